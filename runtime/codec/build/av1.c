/*
 * The door of av1.wasm: one picture of AV1, decoded by dav1d in one thread. The host
 * writes the stream to where take said and calls decode; what it learns of the picture
 * is in the words that decode leaves at the address it returns. An instance decodes one
 * stream and is thrown away, so nothing is freed.
 *
 * Before each frame and each row of superblocks the host is asked whether there is time
 * left; where there is none, tick does not return. The linker puts the wrappers in place.
 */
#include <stdint.h>
#include <stdlib.h>
#include <dav1d/dav1d.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

/* The words: see frame in the host. */
static uint32_t words[16];

__attribute__((import_module("host"), import_name("tick"))) void tick(void);

int __real_dav1d_submit_frame(void *c);
int __wrap_dav1d_submit_frame(void *c) { tick(); return __real_dav1d_submit_frame(c); }

void __real_dav1d_filter_sbrow_8bpc(void *f, int sby);
void __wrap_dav1d_filter_sbrow_8bpc(void *f, int sby) { tick(); __real_dav1d_filter_sbrow_8bpc(f, sby); }

void __real_dav1d_filter_sbrow_16bpc(void *f, int sby);
void __wrap_dav1d_filter_sbrow_16bpc(void *f, int sby) { tick(); __real_dav1d_filter_sbrow_16bpc(f, sby); }

static void leave_alone(const uint8_t *data, void *cookie) {}

void *EXPORT(take)(uint32_t size) { return malloc(size); }

/* decode returns the words' address; the first word is 0, or an errno of dav1d's. */
uint32_t *EXPORT(decode)(const uint8_t *stream, uint32_t size, uint32_t most_pixels) {
    Dav1dSettings s;
    Dav1dContext *c;
    Dav1dData data = { 0 };
    static Dav1dPicture p;

    dav1d_default_settings(&s);
    s.n_threads = 1;
    s.max_frame_delay = 1;
    s.all_layers = 0;
    s.strict_std_compliance = 0;
    s.frame_size_limit = most_pixels;
    s.logger.callback = NULL;

    int err = dav1d_open(&c, &s);
    if (!err) err = dav1d_data_wrap(&data, stream, size, leave_alone, NULL);
    while (!err && data.sz) {
        err = dav1d_send_data(c, &data);
        if (err && err != DAV1D_ERR(EAGAIN)) break;
        err = dav1d_get_picture(c, &p);
        if (!err) break; /* the first is the one */
        if (err == DAV1D_ERR(EAGAIN)) err = 0;
    }
    if (!err && !p.data[0]) err = dav1d_get_picture(c, &p);
    words[0] = (uint32_t)-err;
    if (err) return words;
    words[1] = p.p.w;
    words[2] = p.p.h;
    words[3] = p.p.layout;
    words[4] = p.p.bpc;
    words[5] = p.seq_hdr->mtrx;
    words[6] = p.seq_hdr->color_range;
    for (int i = 0; i < 3; i++) words[7 + i] = (uint32_t)(uintptr_t)p.data[i];
    words[10] = (uint32_t)p.stride[0];
    words[11] = (uint32_t)p.stride[1];
    return words;
}
