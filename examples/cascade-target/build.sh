#!/bin/sh
# Stands for the build of the repository: takes the version, or uses its own default.
set -eu
echo "built with runtime ${1:-0.9.0}"
