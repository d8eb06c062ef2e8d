/* run: what a lane does in a round of the team. */
#ifndef OCL_RUN_H
#define OCL_RUN_H

/* Lane `lane` of the struct ocl runs its instance of the step of now. */
void	 run_lane(void *ocl, int lane);

#endif
