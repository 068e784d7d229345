/* SPDX-License-Identifier: MIT */
/* fdformat DEVICE: formats every track of a floppy through Linux's driver. */
#include <fcntl.h>
#include <linux/fd.h>
#include <stdio.h>
#include <sys/ioctl.h>

int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_WRONLY) : -1;
    struct floppy_struct format;

    if (fd < 0 || ioctl(fd, FDGETPRM, &format) || ioctl(fd, FDFMTBEG)) {
        perror("fdformat");
        return 1;
    }
    for (unsigned track = 0; track < format.track; track++) {
        for (unsigned head = 0; head < format.head; head++) {
            struct format_descr where = {.track = track, .head = head};

            if (ioctl(fd, FDFMTTRK, &where)) {
                perror("fdformat: track");
                return 1;
            }
        }
    }
    if (ioctl(fd, FDFMTEND)) {
        perror("fdformat: end");
        return 1;
    }
    return 0;
}
