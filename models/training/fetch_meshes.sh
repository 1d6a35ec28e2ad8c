#!/bin/sh
# Gets furniture meshes for the simulator: the Debian package sweethome3d-furniture (175 models under CC0, 645 under
# CC-BY). Usage: fetch_meshes.sh [FOLDER]   (default: data/meshes beside this script)
#
# Then: instanton simulate --rooms 5 --meshes FOLDER --out rooms
#
# The meshes are data to train on: they are not committed and not shipped. CC-BY asks to name the authors wherever
# something made from the models is shown: FOLDER/ATTRIBUTION.txt does.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/data/meshes}
mkdir -p "$(dirname "$folder")"
if [ -e "$folder" ]; then
    echo "$folder: expected a name that is free" >&2
    exit 2
fi
work=$(mktemp -d "$(dirname "$folder")/.meshes.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download sweethome3d-furniture)
dpkg-deb -x "$work"/sweethome3d-furniture_*.deb "$work/package"
mkdir "$work/meshes"
python3 - "$work/package/usr/share/sweethome3d/furniture" "$work/meshes" <<'PYTHON'
"""Unpacks the catalogues without their pictures and writes who made what."""
import pathlib
import re
import sys
import zipfile

source, target = map(pathlib.Path, sys.argv[1:])
lines = ["Furniture models of the Debian package sweethome3d-furniture, by catalogue.", ""]
for archive in sorted(source.glob("*.sh3f")):
    folder = target / archive.stem
    with zipfile.ZipFile(archive) as content:
        for name in content.namelist():
            wanted = name.lower().endswith((".obj", ".mtl", ".txt", ".html"))
            if (wanted or name == "PluginFurnitureCatalog.properties") and ".." not in name:
                content.extract(name, folder)
    text = (folder / "PluginFurnitureCatalog.properties").read_text(encoding="latin-1")
    value = lambda key: (re.search(rf"^{key}=(.*)$", text, re.M) or ["", ""])[1].strip()
    lines += [f"== {value('name')}", f"License: {value('license')}", f"Provider: {value('provider')}", ""]
    names, creators = (dict(re.findall(rf"^{key}#(\d+)=(.*)$", text, re.M)) for key in ("name", "creator"))
    lines += [f"{names[number].strip()}: {creators.get(number, '').strip()}" for number in sorted(names, key=int)]
    lines.append("")
(target / "ATTRIBUTION.txt").write_text("\n".join(lines))
PYTHON
cp "$work/package/usr/share/doc/sweethome3d-furniture/copyright" "$work/meshes/copyright"
mv "$work/meshes" "$folder"
echo "$folder: $(find "$folder" -name '*.obj' | wc -l) models; authors in ATTRIBUTION.txt"
