#!/bin/bash
# Makes ../av1.wasm.gz and ../jxl.wasm.gz of the sources of dav1d 1.5.1, libjxl 0.11.2 and
# Highway 1.2.0, all as Debian 13 packages them. The sources are not in this repository:
#
#   apt-get install clang lld wasi-libc libc++-dev-wasm32 libclang-rt-dev-wasm32
#   apt-get source dav1d=1.5.1-1 jpeg-xl=0.11.2-0.1~deb13u2 highway=1.2.0-2
#   runtime/codec/build/build.sh FOLDER-WITH-THE-THREE
#
# The shipped files were made with clang 14.0.6 and wasi-libc 0.0~git20220510 of Debian 12.
# Brotli's headers (libbrotli-dev) are looked at, nothing of it is used.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
from=$(cd "$1" && pwd)
dav1d=$from/dav1d-1.5.1 jxl=$from/jpeg-xl-0.11.2 hwy=$from/highway-1.2.0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

common="--target=wasm32-wasi -O2 -DNDEBUG -w -msimd128 -mbulk-memory -mnontrapping-fptoint -fno-math-errno
 -mthread-model single -ftls-model=local-exec"
link="--target=wasm32-wasi -O2 -mexec-model=reactor -Wl,--strip-all"

# AV1: the decoder alone, in C, without threads, logs or assembler.
mkdir "$work/av1"
for arch in AARCH64 ARM LOONGARCH LOONGARCH32 LOONGARCH64 PPC64LE RISCV RV32 RV64 X86 X86_32 X86_64; do
  echo "#define ARCH_$arch 0"
done >"$work/av1/config.h"
for missing in CONFIG_LOG CONFIG_MACOS_KPERF ENDIANNESS_BIG HAVE_ASM HAVE_AS_FUNC HAVE_CLOCK_GETTIME HAVE_DLSYM \
  HAVE_ELF_AUX_INFO HAVE_GETAUXVAL HAVE_PTHREAD_GETAFFINITY_NP HAVE_PTHREAD_NP_H HAVE_PTHREAD_SETAFFINITY_NP \
  HAVE_PTHREAD_SETNAME_NP HAVE_PTHREAD_SET_NAME_NP HAVE_SIGACTION TRIM_DSP_FUNCTIONS; do
  echo "#define $missing 0"
done >>"$work/av1/config.h"
for there in CONFIG_8BPC CONFIG_16BPC HAVE_C11_GENERIC HAVE_POSIX_MEMALIGN HAVE_UNISTD_H; do
  echo "#define $there 1"
done >>"$work/av1/config.h"
echo '#define DAV1D_VERSION "1.5.1"' >"$work/av1/vcs_version.h"
flags="$common -std=c11 -D_POSIX_C_SOURCE=200112L -D_GNU_SOURCE -I$here -I$work/av1 -I$dav1d -I$dav1d/include -I$dav1d/include/dav1d"
for file in "$dav1d"/src/*.c; do
  name=$(basename "$file" .c)
  case $name in
  *_tmpl)
    clang $flags -DBITDEPTH=8 -c "$file" -o "$work/av1/${name}_8.o"
    clang $flags -DBITDEPTH=16 -c "$file" -o "$work/av1/${name}_16.o"
    ;;
  *) clang $flags -c "$file" -o "$work/av1/$name.o" ;;
  esac
done
clang $flags -c "$here/av1.c" -o "$work/av1/door.o"
clang $link -Wl,-z,stack-size=262144 -Wl,--wrap=dav1d_submit_frame -Wl,--wrap=dav1d_filter_sbrow_8bpc \
  -Wl,--wrap=dav1d_filter_sbrow_16bpc -o "$work/av1.wasm" "$work"/av1/*.o

# JPEG XL: the decoder alone, without boxes of metadata and without writing JPEGs.
mkdir -p "$work/jxl/jxl"
cp "$jxl"/lib/include/jxl/*.h "$work/jxl/jxl/"
sed 's/@JPEGXL_MAJOR_VERSION@/0/;s/@JPEGXL_MINOR_VERSION@/11/;s/@JPEGXL_PATCH_VERSION@/2/' \
  "$jxl/lib/jxl/version.h.in" >"$work/jxl/jxl/version.h"
for name in jxl jxl_cms jxl_threads; do
  upper=${name^^}
  printf '#pragma once\n#define %s_EXPORT\n#define %s_DEPRECATED\n' "$upper" "$upper" >"$work/jxl/jxl/${name}_export.h"
done
flags="$common -I$work/jxl -I$jxl -I$hwy -idirafter /usr/include -DJPEGXL_ENABLE_TRANSCODE_JPEG=0 -DJPEGXL_ENABLE_BOXES=0
 -DHWY_COMPILE_ONLY_STATIC -DJXL_STATIC_DEFINE -D_WASI_EMULATED_SIGNAL"
sources=$(sed -n '/set(JPEGXL_INTERNAL_DEC_SOURCES/,/)/s/^ *\(jxl\/.*\.cc\)$/\1/p' "$jxl/lib/jxl_lists.cmake")
number=0
for file in $(sed "s#^#$jxl/lib/#" <<<"$sources") "$hwy"/hwy/{aligned_allocator,targets,abort,per_target}.cc; do
  number=$((number + 1))
  clang++ $flags -std=c++17 -fno-exceptions -fno-rtti -c "$file" -o "$work/jxl/$number.o"
done
clang $flags -std=c11 -c "$here/jxl.c" -o "$work/jxl/door.o"
clang++ $link -Wl,-z,stack-size=1048576 -o "$work/jxl.wasm" "$work"/jxl/*.o

for name in av1 jxl; do
  gzip -9 -n -c "$work/$name.wasm" >"$here/../$name.wasm.gz"
done
