#!/bin/sh
# Runs a program; with the libraries of ROS 2's wheels, if it is one that links or loads them. cargo's runner where
# target/ros2/environment.sh was sourced. Not for all: the stand-ins among them are in the way of a Python with rclpy.
# $INSTANTON_TEST_LIBRARIES is set by that file.
set -eu
if LC_ALL=C grep -qF -e librcl.so -e rosidl_typesupport_c "$1"; then
    if [ -z "${INSTANTON_TEST_LIBRARIES:-}" ]; then
        # A workspace may have more packages.
        packages=${AMENT_PREFIX_PATH:-}
        # shellcheck disable=SC1091
        . "$(dirname "$0")/../../target/ros2/environment.sh"
        export AMENT_PREFIX_PATH="${packages:-$AMENT_PREFIX_PATH}"
    fi
    export LD_LIBRARY_PATH="$INSTANTON_TEST_LIBRARIES${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    export RMW_IMPLEMENTATION=rmw_fastrtps_cpp ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST
fi
exec "$@"
