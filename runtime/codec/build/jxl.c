/*
 * The door of jxl.wasm: one picture of JPEG XL, decoded by libjxl in one thread, as it is stored,
 * as red, green, blue and alpha bytes in the colour space that the profile tells, of an animation the
 * first frame. The host writes the file to where take said and calls decode; what it
 * learns is in the words that decode leaves at the address it returns. An instance decodes
 * one file and is thrown away.
 *
 * Before each allocation and each part of a frame the host is asked whether there is time
 * left; where there is none, tick does not return.
 */
#include <stdint.h>
#include <stdlib.h>
#include <jxl/decode.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

/* The words: see frame in the host. */
static uint32_t words[16];

enum { ok, damaged, short_of_bytes, too_large };

__attribute__((import_module("host"), import_name("tick"))) void tick(void);

static void *allocate(void *opaque, size_t size) { tick(); return malloc(size); }

static void release(void *opaque, void *memory) { free(memory); }

/* All parts one after the other: libjxl's runner for one thread, with the question. */
static JxlParallelRetCode run(void *runner, void *opaque, JxlParallelRunInit init, JxlParallelRunFunction part,
                              uint32_t from, uint32_t to) {
    JxlParallelRetCode failed = init(opaque, 1);
    if (failed) return failed;
    for (uint32_t i = from; i < to; i++) {
        tick();
        part(opaque, i, 0);
    }
    return 0;
}

void *EXPORT(take)(uint32_t size) { return malloc(size); }

static uint32_t work(const uint8_t *file, uint32_t size, uint32_t most_pixels) {
    const JxlPixelFormat rgb = { 4, JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0 };
    const JxlMemoryManager memory = { NULL, allocate, release };
    JxlDecoder *d = JxlDecoderCreate(&memory);
    if (!d || JxlDecoderSetParallelRunner(d, run, NULL) ||
        JxlDecoderSubscribeEvents(d, JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_FULL_IMAGE) ||
        JxlDecoderSetInput(d, file, size)) return damaged;
    JxlDecoderSetKeepOrientation(d, JXL_TRUE);
    JxlDecoderCloseInput(d);
    for (;;) switch (JxlDecoderProcessInput(d)) {
    case JXL_DEC_BASIC_INFO: {
        JxlBasicInfo info;
        if (JxlDecoderGetBasicInfo(d, &info)) return damaged;
        if ((uint64_t)info.xsize * info.ysize > most_pixels) return too_large;
        words[1] = info.xsize;
        words[2] = info.ysize;
        break;
    }
    case JXL_DEC_COLOR_ENCODING: {
        size_t n;
        if (!JxlDecoderGetICCProfileSize(d, JXL_COLOR_PROFILE_TARGET_DATA, &n) && n < 1 << 20) {
            uint8_t *icc = malloc(n);
            if (icc && !JxlDecoderGetColorAsICCProfile(d, JXL_COLOR_PROFILE_TARGET_DATA, icc, n)) {
                words[10] = (uint32_t)(uintptr_t)icc;
                words[11] = (uint32_t)n;
            }
        }
        break;
    }
    case JXL_DEC_NEED_IMAGE_OUT_BUFFER: {
        size_t n;
        if (JxlDecoderImageOutBufferSize(d, &rgb, &n)) return damaged;
        void *pixels = malloc(n);
        if (!pixels || JxlDecoderSetImageOutBuffer(d, &rgb, pixels, n)) return too_large;
        words[7] = (uint32_t)(uintptr_t)pixels;
        words[8] = (uint32_t)n;
        break;
    }
    case JXL_DEC_FULL_IMAGE: return ok;
    case JXL_DEC_NEED_MORE_INPUT: return short_of_bytes;
    default: return damaged;
    }
}

/* decode returns the words' address. */
uint32_t *EXPORT(decode)(const uint8_t *file, uint32_t size, uint32_t most_pixels) {
    words[0] = work(file, size, most_pixels);
    return words;
}
