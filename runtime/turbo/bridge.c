//go:build cgo

#include "bridge.h"

#include <dlfcn.h>
#include <stdio.h>

// From turbojpeg.h.
enum {
  TJFLAG_ACCURATEDCT = 4096,
  TJFLAG_STOPONWARNING = 8192,
  TJFLAG_LIMITSCANS = 32768,
};

static void say(char *fault, int room, const char *text) {
  snprintf(fault, (size_t)room, "%s", text ? text : "no reason given");
}

void *turbo_open(const char *path, turbo_api *api, char *fault, int room) {
  // Local: the process may have another libjpeg, whose functions have the same names.
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    say(fault, room, dlerror());
    return 0;
  }
  struct {
    const char *name;
    void **into;
  } wanted[] = {
      {"tjInitDecompress", (void **)&api->init},       {"tjDestroy", (void **)&api->destroy},
      {"tjDecompressHeader3", (void **)&api->header},  {"tjDecompressToYUVPlanes", (void **)&api->planes},
      {"tjGetErrorStr2", (void **)&api->fault},
  };
  for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++) {
    if (!(*wanted[i].into = dlsym(library, wanted[i].name))) {
      say(fault, room, dlerror());
      dlclose(library);
      return 0;
    }
  }
  return library;
}

void turbo_close(void *library) { dlclose(library); }

// Making a decompressor takes a tenth of a microsecond, so each call has its own,
// and nothing of a stranger's picture outlives the call.
static tjhandle begin(const turbo_api *api, char *fault, int room) {
  tjhandle handle = api->init();
  if (!handle) say(fault, room, "no memory for a decompressor");
  return handle;
}

static int end(const turbo_api *api, tjhandle handle, int status, char *fault, int room) {
  if (status) say(fault, room, api->fault(handle));
  api->destroy(handle);
  return status;
}

int turbo_read_header(const turbo_api *api, const unsigned char *jpeg, unsigned long size, turbo_head *head,
                      char *fault, int room) {
  tjhandle handle = begin(api, fault, room);
  if (!handle) return -1;
  int status = api->header(handle, jpeg, size, &head->width, &head->height, &head->subsampling, &head->colours);
  return end(api, handle, status, fault, room);
}

int turbo_read_planes(const turbo_api *api, const unsigned char *jpeg, unsigned long size, int width, int height,
                      unsigned char *y, unsigned char *cb, unsigned char *cr, int y_stride, int c_stride,
                      char *fault, int room) {
  tjhandle handle = begin(api, fault, room);
  if (!handle) return -1;
  unsigned char *planes[3] = {y, cb, cr};
  int strides[3] = {y_stride, c_stride, c_stride};
  int status = api->planes(handle, jpeg, size, planes, width, strides, height,
                           TJFLAG_ACCURATEDCT | TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS);
  return end(api, handle, status, fault, room);
}
