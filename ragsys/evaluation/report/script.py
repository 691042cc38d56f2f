"""The one script of the HTML report: filters of the failure view, and an address that opens a failure.

It reads and writes nothing but the page; without it everything is there, unfiltered.
"""

from __future__ import annotations

SCRIPT = """
"use strict";
(function () {
  var by = function (name) { return document.getElementById("by-" + name); };
  var cards = Array.prototype.slice.call(document.querySelectorAll("#cards > .card"));
  var filters = document.getElementById("filters"), shown = document.getElementById("shown");
  function open() {
    var id = decodeURIComponent(location.hash.slice(1)), card = id && document.getElementById(id);
    if (!card || !card.classList.contains("card")) { return; }
    card.hidden = false;
    card.open = true;
    card.scrollIntoView();
  }
  window.addEventListener("hashchange", open);
  if (!filters) { return; }
  function failed(fails, config, kind) {
    if (!config && !kind) { return true; }
    return fails.split(" ").some(function (one) {
      var at = one.indexOf(":");
      return (!config || one.slice(0, at) === config) && (!kind || one.slice(at + 1) === kind);
    });
  }
  function texts(card) {
    var parts = Array.prototype.slice.call(card.querySelectorAll(".asked, .gold .said, .answer"));
    return parts.map(function (one) { return one.textContent; }).join(" ").toLowerCase();
  }
  function apply() {
    var config = by("config").value, kind = by("kind").value, source = by("source").value;
    var words = by("words").value.toLowerCase().split(/\\s+/).filter(Boolean), pictures = by("picture").checked;
    var left = 0;
    cards.forEach(function (card) {
      var told = words.length ? texts(card) : "";
      var fits = failed(card.dataset.fails, config, kind) && (!source || card.dataset.source === source) &&
        (!pictures || card.dataset.picture === "1") &&
        words.every(function (word) { return told.indexOf(word) >= 0; });
      card.hidden = !fits;
      left += fits ? 1 : 0;
    });
    shown.textContent = left + " of " + cards.length + " shown";
  }
  filters.hidden = false;
  ["config", "kind", "source", "picture"].forEach(function (name) { by(name).addEventListener("change", apply); });
  by("words").addEventListener("input", apply);
  apply();
  open();
})();
"""
