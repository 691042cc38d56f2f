"""The text of an answer out of JSON that is still being written: the characters of its sentences, as they come."""

from __future__ import annotations

from collections.abc import Callable

_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_DEEPEST = 64  # levels: anything deeper is no answer


class SentenceReader:
    """Shows the strings under `sentences[].text` of a JSON object, a space between two; everything else is passed over.

    It keeps no more than its place in the text, so that what it shows does not depend on how the stream is cut into
    pieces. At the first character that is not JSON it shows no more. `whole` holds the text of each object of
    `sentences` that has come to its end: what can be kept of a reply that is cut off.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self.whole: list[str] = []
        self.ended = False  # the object is complete, or the text is not JSON
        self._show = show
        self._stack: list[str] = []  # "{" or "["
        self._keys: list[str] = []  # the last key of each open object; "" of an array
        self._awaits = "value"  # value, key, colon, comma; "string", "escape", "unicode", "word" inside a token
        self._token: list[str] = []
        self._is_key = False
        self._digits = ""  # of a \u escape
        self._high = ""  # the first half of a pair of \u escapes
        self._shown = 0  # sentences
        self._sentence: list[str] | None = None  # the characters of the sentence that is open

    def feed(self, piece: str) -> None:
        """Take the next piece of the reply."""
        out: list[str] = []
        for char in piece:
            if self.ended:
                break
            if not self._stack and char != "{":
                continue  # a code fence, a word before the object
            before = self._sentence
            if before is not None:
                before.append(char)
            self._take(char, out)
            if before is None and self._sentence is not None:
                self._sentence.append(char)
            elif before is not None and self._sentence is None:
                self.whole.append("".join(before))
        if out:
            self._show("".join(out))

    def _take(self, char: str, out: list[str]) -> None:
        state = self._awaits
        if state == "string":
            self._in_string(char, out)
        elif state == "escape":
            self._escaped(char, out)
        elif state == "unicode":
            self._unicode(char, out)
        elif state == "word" and (char.isalnum() or char in "+-."):
            return
        elif char in " \t\r\n":
            self._awaits = "comma" if state == "word" else state
        else:
            self._structure(char, "comma" if state == "word" else state, out)

    def _structure(self, char: str, state: str, out: list[str]) -> None:
        if char in "}]" and state in ("comma", "value", "key"):
            self._close(char)
        elif char == "," and state == "comma":
            self._awaits = "key" if self._stack[-1] == "{" else "value"
        elif char == ":" and state == "colon":
            self._awaits = "value"
        elif char == '"' and state in ("key", "value"):
            self._is_key, self._token, self._high = state == "key", [], ""
            self._awaits = "string"
            if not self._is_key and self._wanted:
                out.append(" " if self._shown else "")
                self._shown += 1
        elif char in "{[" and state == "value":
            self._open(char)
        elif state == "value" and (char.isalnum() or char == "-"):
            self._awaits = "word"
        else:
            self.ended = True

    @property
    def _wanted(self) -> bool:
        """Whether the value that is being read is the text of a sentence."""
        return self._stack == ["{", "[", "{"] and self._keys == ["sentences", "", "text"]

    def _open(self, char: str) -> None:
        if len(self._stack) >= _DEEPEST:
            self.ended = True
            return
        self._stack.append(char)
        self._keys.append("")
        self._awaits = "key" if char == "{" else "value"
        if self._stack == ["{", "[", "{"] and self._keys[0] == "sentences":
            self._sentence = []

    def _close(self, char: str) -> None:
        if (self._stack[-1] == "{") != (char == "}"):
            self.ended = True
            return
        if self._stack == ["{", "[", "{"]:
            self._sentence = None
        self._stack.pop()
        self._keys.pop()
        self._awaits = "comma"
        self.ended = not self._stack

    def _in_string(self, char: str, out: list[str]) -> None:
        if char == '"':
            self._half(out)
            if self._is_key:
                self._keys[-1] = "".join(self._token)
            self._awaits = "colon" if self._is_key else "comma"
        elif char == "\\":
            self._awaits = "escape"
        else:
            self._half(out)
            self._put(char, out)

    def _escaped(self, char: str, out: list[str]) -> None:
        if char == "u":
            self._awaits, self._digits = "unicode", ""
            return
        if char not in _ESCAPES:
            self.ended = True
            return
        self._half(out)
        self._awaits = "string"
        self._put(_ESCAPES[char], out)

    def _unicode(self, char: str, out: list[str]) -> None:
        if char not in "0123456789abcdefABCDEF":
            self.ended = True
            return
        self._digits += char
        if len(self._digits) < 4:
            return
        self._awaits = "string"
        code = chr(int(self._digits, 16))
        if "\udc00" <= code <= "\udfff" and self._high:
            code = (self._high + code).encode("utf-16", "surrogatepass").decode("utf-16")
            self._high = ""
        else:
            self._half(out)
            if "\ud800" <= code <= "\udbff":
                self._high = code
                return
        self._put(code, out)

    def _half(self, out: list[str]) -> None:
        """Half of a pair that stays alone."""
        if self._high:
            high, self._high = self._high, ""
            self._put(high, out)

    def _put(self, char: str, out: list[str]) -> None:
        if self._is_key:
            self._token.append(char)
        elif self._wanted:
            out.append(char)
