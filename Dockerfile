# ragsys in a container: without a model, with OCR; runs as a user of its own and writes only below /library.
FROM python:3.11.15-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN pip install --no-cache-dir --require-hashes -r locks/build.txt \
 && pip wheel --no-cache-dir --no-build-isolation --no-deps --wheel-dir /wheel .

FROM python:3.11.15-slim-bookworm
RUN apt-get update \
 && apt-get install --yes --no-install-recommends tesseract-ocr \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home ragsys \
 && install --directory --owner ragsys --mode 700 /library
# versions and hashes are locked, those of the extras server and watch too: a changed file is not installed
COPY --from=build /source/locks/image.txt /wheel/
RUN pip install --no-cache-dir --require-hashes -r /wheel/image.txt
COPY --from=build /wheel /wheel
RUN pip install --no-cache-dir --no-deps /wheel/*.whl && rm -rf /wheel
ENV RAGSYS_HOME=/library PYTHONUNBUFFERED=1
USER ragsys
VOLUME /library
ENTRYPOINT ["ragsys"]
CMD ["--help"]
