// The few functions of TurboJPEG that are called, declared as its own turbojpeg.h
// declares them, so that building needs neither its headers nor the library. They
// are those of TurboJPEG 2, which TurboJPEG 3 has too, with the same binary
// interface.
#ifndef SACCADE_TURBO_BRIDGE_H
#define SACCADE_TURBO_BRIDGE_H

typedef void *tjhandle;

typedef struct {
  tjhandle (*init)(void);
  int (*destroy)(tjhandle);
  int (*header)(tjhandle, const unsigned char *jpeg, unsigned long size, int *width, int *height,
                int *subsampling, int *colours);
  int (*planes)(tjhandle, const unsigned char *jpeg, unsigned long size, unsigned char **planes, int width,
                int *strides, int height, int flags);
  char *(*fault)(tjhandle);
} turbo_api;

// turbo_open loads the library at path, or the one of that name in the system's
// folders, and finds the functions. On failure it returns 0 and a text for the log.
void *turbo_open(const char *path, turbo_api *api, char *fault, int room);
void turbo_close(void *library);

typedef struct {
  int width, height, subsampling, colours;
} turbo_head;

// turbo_read_header and turbo_read_planes return 0, or else write what went wrong.
int turbo_read_header(const turbo_api *api, const unsigned char *jpeg, unsigned long size, turbo_head *head,
                      char *fault, int room);

// turbo_read_planes decodes to width x height, one of the sizes that the JPEG can
// be scaled to, and stops at the first warning.
int turbo_read_planes(const turbo_api *api, const unsigned char *jpeg, unsigned long size, int width, int height,
                      unsigned char *y, unsigned char *cb, unsigned char *cr, int y_stride, int c_stride,
                      char *fault, int room);

#endif
