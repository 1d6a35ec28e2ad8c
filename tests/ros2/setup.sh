#!/bin/sh
# Installs what the test `ros2` talks to into target/ros2, from the Python package index: ROS 2 Kilted, ROS 2 Jazzy and
# Cyclone DDS. Needs python3.11 on x86-64 Linux. Running it again changes nothing.
set -eu
cd "$(dirname "$0")/../.."

# A folder and its packages.
install() {
    place=target/ros2/$1
    shift
    if [ -f "$place/installed" ] && [ "$(cat "$place/installed")" = "$*" ]; then
        echo "$place: installed already"
        return
    fi
    python3.11 -m venv "$place"
    # Nothing is compiled that nobody imports.
    "$place/bin/pip" install --quiet --disable-pip-version-check --no-compile "$@"
    # Written last: an installation that broke off is begun again.
    printf '%s' "$*" > "$place/installed"
    echo "$place: installed"
}

# Side by side: each waits for the network and the disk most of the time.
install jazzy 'ros-jazzy-rclpy[fastrtps]' ros-jazzy-sensor-msgs ros-jazzy-std-srvs numpy & jazzy=$!
install cyclone cyclonedds==11.0.1 & cyclone=$!
install kilted ros-rclpy ros-rmw-fastrtps-cpp ros-sensor-msgs ros-visualization-msgs ros-diagnostic-msgs ros-std-srvs \
    ros-rcl-interfaces ros-lifecycle-msgs numpy
wait $jazzy
wait $cyclone
