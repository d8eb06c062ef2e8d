/*
 * keep_drivers: under ASan drivers stay loaded, as what they leak is known by
 * their library's name (lsan.supp), which would be gone with the library.
 */
#ifndef TESTS_KEEP_DRIVERS_H
#define TESTS_KEEP_DRIVERS_H

#ifdef __SANITIZE_ADDRESS__
int	 dlclose(void *);

int
dlclose(void *handle)
{
	(void)handle;
	return 0;
}
#endif

#endif
