package onnx

/*
#include <stddef.h>

// glibc has it; elsewhere there is nothing to do.
extern int malloc_trim(size_t pad) __attribute__((weak));

extern int mallopt(int param, int value) __attribute__((weak));

static void trim(void) {
	if (malloc_trim) malloc_trim(0);
}

// M_ARENA_MAX of malloc.h.
static void arenas(int most) {
	if (mallopt) mallopt(-8, most);
}
*/
import "C"

// Trim gives memory that ONNX Runtime has freed back to the system: glibc keeps
// it, and making a session frees as much as its model is large.
func Trim() { C.trim() }

// fewArenas bounds the arenas of glibc's malloc, of which it makes up to eight for each
// core: those who run models and decode pictures move from thread to thread, and each
// arena keeps what the largest of them once took there. In a steady state nobody
// allocates enough to wait for one.
func fewArenas() { C.arenas(2) }
