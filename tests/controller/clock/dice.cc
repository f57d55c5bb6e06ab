// Says what it draws, in all the ways there are.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <random>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

int main()
{
    unsigned drawn[9] = {};
    struct timeval day;
    std::random_device device;
    FILE *stream = fopen("/dev/urandom", "rb");
    int fd = open("/dev/random", O_RDONLY);

    if (getrandom(&drawn[0], 4, 0) != 4 || getentropy(&drawn[1], 4) != 0 || read(fd, &drawn[2], 4) != 4
        || fread(&drawn[3], 4, 1, stream) != 1)
        return 1;
    drawn[4] = device();
    drawn[5] = arc4random();
    arc4random_buf(&drawn[6], 4);
    drawn[7] = arc4random_uniform(1000000);
    syscall(SYS_getrandom, &drawn[8], 4, 0);
    gettimeofday(&day, nullptr);
    srand((unsigned)time(nullptr));
    for (unsigned one : drawn)
        printf("%u ", one);
    printf("%d %ld.%03ld\n", rand(), (long)day.tv_sec, (long)day.tv_usec / 1000);
    return 0;
}
