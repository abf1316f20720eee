#!/bin/sh
f=$0; while [ -L "$f" ]; do t=$(readlink "$f"); case $t in /*) f=$t ;; *) f=$(dirname "$f")/$t ;; esac; done; exec "$(dirname "$f")/../../../scripts/launch" dry_run "$@"
