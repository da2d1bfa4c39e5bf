package onnx

/*
#include <stddef.h>

// glibc has it; elsewhere there is nothing to do.
extern int malloc_trim(size_t pad) __attribute__((weak));

static void trim(void) {
	if (malloc_trim) malloc_trim(0);
}
*/
import "C"

// Trim gives memory that ONNX Runtime has freed back to the system: glibc keeps
// it, and making a session frees as much as its model is large.
func Trim() { C.trim() }
