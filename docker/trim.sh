#!/bin/sh
# Removes what no service of the project uses from a base image: installers, documentation, and setuid and setgid bits.
set -eu
lib=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')
rm -rf "$lib"/site-packages/* "$lib"/ensurepip "$lib"/idlelib "$lib"/tkinter "$lib"/turtledemo "$lib"/test "$lib"/config-*
rm -rf /usr/local/bin/pip* /usr/local/bin/idle* /usr/local/bin/python*-config /usr/local/include
# The list of Debian packages stays, because scanners read it.
rm -rf /usr/bin/apt* /usr/lib/apt /usr/lib/x86_64-linux-gnu/libapt* /var/lib/apt/lists/* /var/cache/* /var/log/*
rm -rf /usr/share/doc /usr/share/info /usr/share/lintian /usr/share/locale /usr/share/man /usr/share/perl
find / -xdev -type f -perm /6000 -exec chmod a-s {} +
