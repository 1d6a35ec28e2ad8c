#!/bin/sh
# Installs a real ROS 2 (Kilted, from the Python package index) into target/ros2/kilted: the peers that
# the test `ros2` talks to. Needs python3.11 on x86-64 Linux. Running it again changes nothing.
set -eu
cd "$(dirname "$0")/../.."
place=target/ros2/kilted
packages="ros-rclpy ros-rmw-fastrtps-cpp ros-sensor-msgs ros-visualization-msgs ros-diagnostic-msgs
    ros-std-srvs ros-rcl-interfaces numpy"
done_mark="$place/installed"
if [ -f "$done_mark" ] && [ "$(cat "$done_mark")" = "$packages" ]; then
    echo "$place: installed already"
    exit 0
fi
python3.11 -m venv "$place"
# shellcheck disable=SC2086 # one argument for each package
"$place/bin/pip" install --quiet --disable-pip-version-check $packages
# Written last: an installation that broke off is begun again.
printf '%s' "$packages" > "$done_mark"
echo "$place: installed"
