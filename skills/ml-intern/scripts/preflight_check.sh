#!/bin/sh
f=$0; while [ -L "$f" ]; do t=$(readlink "$f"); case $t in /*) f=$t ;; *) f=${f%/*}/$t ;; esac; done; exec "${f%/*}/../../../scripts/launch" preflight_check "$@"
