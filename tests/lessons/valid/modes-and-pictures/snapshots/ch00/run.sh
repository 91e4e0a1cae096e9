#!/bin/sh
echo ch00
