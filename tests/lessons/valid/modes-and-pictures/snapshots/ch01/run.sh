#!/bin/sh
echo ch01
