/*
 * cpu: what a loop that spins owes the processor.
 */
#ifndef BASE_CPU_H
#define BASE_CPU_H

/* Waiting for another core's store: leave the pipeline to whoever needs it. */
#if defined(__x86_64__) || defined(__i386__)
#define cpu_relax()	__builtin_ia32_pause()
#elif defined(__aarch64__) || defined(__arm__)
#define cpu_relax()	__asm__ volatile("yield")
#else
#define cpu_relax()	((void)0)
#endif

#endif
