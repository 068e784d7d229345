/* Devices: disks, network cards, port and memory-mapped registers, timers. */
#include <arpa/inet.h>
#include <cpuid.h>
#include <dirent.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "bench.h"

extern int net_port;
void load_modules(void);

/* disks */

static int disk_open(const char *dev, int flags)
{
    load_modules();
    for (int i = 0; i < 100; i++) {
        int fd = open(dev, flags | O_DIRECT);
        if (fd >= 0) {
            return fd;
        }
        usleep(50000);
    }
    bench_skip("no such disk");
}

enum { CHUNK = 256 << 10, MB = 1 << 20 };

static uint64_t disk_seq(const char *dev, int wr)
{
    int fd = disk_open(dev, wr ? O_RDWR : O_RDONLY);
    uint64_t *buf = aligned_alloc(4096, CHUNK), s = 0;
    long n = scaled(2048) * (MB / CHUNK); /* passes over 256 MB */
    memset(buf, 0x5a, CHUNK);
    bench_start();
    for (long i = 0; i < n; i++) {
        off_t off = (off_t)i * CHUNK % (256 * MB);
        if ((wr ? pwrite(fd, buf, CHUNK, off) : pread(fd, buf, CHUNK, off)) !=
            CHUNK) {
            die("disk io at %ld: %s", (long)off, strerror(errno));
        }
        s = s * 31 + buf[i % (CHUNK / 8)];
    }
    close(fd);
    bench_note("%ld MB", n * CHUNK / MB);
    return s;
}

static uint64_t disk_rand(const char *dev)
{
    int fd = disk_open(dev, O_RDONLY);
    uint64_t *buf = aligned_alloc(4096, 4096), s = 0;
    uint32_t seed = 21;
    long n = scaled(30000);
    bench_start();
    for (long i = 0; i < n; i++) {
        if (pread(fd, buf, 4096, (off_t)(rnd(&seed) % 65536) * 4096) != 4096) {
            die("disk io: %s", strerror(errno));
        }
        s = s * 31 + buf[i % 512];
    }
    close(fd);
    bench_note("%ld reads", n);
    return s;
}

static uint64_t ide_read(void)
{
    return disk_seq("/dev/sda", 0);
}
static uint64_t ide_rand(void)
{
    return disk_rand("/dev/sda");
}
static uint64_t ide_write(void)
{
    return disk_seq("/dev/sda", 1);
}
static uint64_t vblk_read(void)
{
    return disk_seq("/dev/vda", 0);
}
static uint64_t vblk_rand(void)
{
    return disk_rand("/dev/vda");
}
static uint64_t vblk_write(void)
{
    return disk_seq("/dev/vda", 1);
}

/* network: a TCP stream from or to the host, and a request-response loop */

static int find_nic(const char *driver, char *ifname)
{
    for (int i = 0; i < 100; i++) {
        DIR *d = opendir("/sys/class/net");
        struct dirent *e;
        while (d && (e = readdir(d))) {
            char path[600], link[256];
            snprintf(path, sizeof(path), "/sys/class/net/%s/device/driver",
                     e->d_name);
            ssize_t n = readlink(path, link, sizeof(link) - 1);
            if (n > 0) {
                link[n] = 0;
                if (!strcmp(strrchr(link, '/') + 1, driver)) {
                    snprintf(ifname, IFNAMSIZ, "%.15s", e->d_name);
                    closedir(d);
                    return 0;
                }
            }
        }
        if (d) {
            closedir(d);
        }
        usleep(50000);
    }
    return -1;
}

static int net_connect(const char *driver, int subnet)
{
    struct ifreq r = {0};
    struct sockaddr_in *a = (void *)&r.ifr_addr, to = {.sin_family = AF_INET};
    char addr[32];
    int s, one = 1;

    load_modules();
    if (!net_port) {
        bench_skip("no port= given");
    }
    if (find_nic(driver, r.ifr_name)) {
        bench_skip("no such NIC");
    }
    s = socket(AF_INET, SOCK_STREAM, 0);
    a->sin_family = AF_INET;
    snprintf(addr, sizeof(addr), "10.0.%d.15", subnet);
    inet_aton(addr, &a->sin_addr);
    if (ioctl(s, SIOCSIFADDR, &r)) {
        die("SIOCSIFADDR %s: %s", r.ifr_name, strerror(errno));
    }
    inet_aton("255.255.255.0", &a->sin_addr);
    ioctl(s, SIOCSIFNETMASK, &r);
    r.ifr_flags = IFF_UP | IFF_RUNNING;
    ioctl(s, SIOCSIFFLAGS, &r);

    snprintf(addr, sizeof(addr), "10.0.%d.2", subnet);
    inet_aton(addr, &to.sin_addr);
    to.sin_port = htons(net_port);
    for (int i = 0;; i++) {
        if (!connect(s, (void *)&to, sizeof(to))) {
            break;
        }
        if (i == 100) {
            die("connect %s:%d: %s", addr, net_port, strerror(errno));
        }
        close(s);
        usleep(100000);
        s = socket(AF_INET, SOCK_STREAM, 0);
    }
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return s;
}

static uint64_t net_run(const char *driver, int subnet, char mode, long n)
{
    static uint8_t buf[65536];
    char req[64];
    uint64_t sum = 0;
    int s = net_connect(driver, subnet);

    snprintf(req, sizeof(req), "%c%ld\n", mode, n);
    bench_start();
    if (write(s, req, strlen(req)) < 0) {
        die("write");
    }
    if (mode == 'P') { /* n round trips of one byte */
        for (long i = 0; i < n; i++) {
            if (write(s, buf, 1) != 1 || read(s, buf, 1) != 1) {
                die("net: %s", strerror(errno));
            }
            sum++;
        }
    } else {
        long done = 0;
        while (done < n) {
            size_t want =
                n - done < (long)sizeof(buf) ? n - done : (long)sizeof(buf);
            ssize_t k = mode == 'R' ? read(s, buf, want) : write(s, buf, want);
            if (k <= 0) {
                die("net: %s", k ? strerror(errno) : "closed");
            }
            done += k;
        }
        if (mode == 'W' && read(s, buf, 1) != 1) {
            die("net: no acknowledgement");
        }
        sum = done;
        bench_note("%ld MB", n / MB);
    }
    close(s);
    return sum;
}

static uint64_t e1000_rx(void)
{
    return net_run("e1000", 2, 'R', scaled(128) * MB);
}
static uint64_t e1000_tx(void)
{
    return net_run("e1000", 2, 'W', scaled(128) * MB);
}
static uint64_t e1000_rr(void)
{
    return net_run("e1000", 2, 'P', scaled(5000));
}
static uint64_t vnet_rx(void)
{
    return net_run("virtio_net", 3, 'R', scaled(256) * MB);
}
static uint64_t vnet_tx(void)
{
    return net_run("virtio_net", 3, 'W', scaled(256) * MB);
}
static uint64_t vnet_rr(void)
{
    return net_run("virtio_net", 3, 'P', scaled(5000));
}

/* registers */

static void need_pid1(void)
{
    if (getpid() != 1 && getppid() != 1) {
        bench_skip("only in a guest");
    }
}

static uint64_t pio(int in)
{
    long n = scaled(10000000);
    need_pid1();
    if (iopl(3)) {
        bench_skip("no iopl");
    }
    for (long i = 0; i < n; i++) {
        if (in) {
            (void)inb(0x61); /* system control port B */
        } else {
            outb(i, 0x80); /* POST code */
        }
    }
    bench_note("%ld accesses", n);
    return n;
}

static uint64_t pio_in(void)
{
    return pio(1);
}
static uint64_t pio_out(void)
{
    return pio(0);
}

static volatile void *map_phys(off_t addr, size_t len)
{
    need_pid1();
    int fd = open("/dev/mem", O_RDWR | O_SYNC);
    volatile void *p =
        fd < 0 ? MAP_FAILED
               : mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, addr);
    if (p == MAP_FAILED) {
        bench_skip("no /dev/mem mapping (iomem=relaxed?)");
    }
    return p;
}

static uint64_t mmio(void)
{
    volatile uint32_t *ioapic = map_phys(0xfec00000, 4096);
    long n = scaled(10000000);
    for (long i = 0; i < n; i++) {
        (void)*ioapic; /* the index register: no side effect */
    }
    bench_note("%ld reads", n);
    return n;
}

/* The text screen: 80x25 cells rewritten, as a console does. */
static uint64_t vga_text(void)
{
    volatile uint16_t *vga = map_phys(0xb8000, 0x8000);
    long n = scaled(6000);
    for (long i = 0; i < n; i++) {
        for (int k = 0; k < 80 * 25; k++) {
            vga[k] = 0x0700 | (' ' + (i + k) % 64);
        }
    }
    bench_note("%ld writes", n * 2000);
    return n;
}

static uint64_t cpuid_loop(void)
{
    long n = scaled(10000000);
    unsigned a, b, c, d;
    for (long i = 0; i < n; i++) {
        __cpuid_count(0, 0, a, b, c, d);
    }
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return n;
}

static uint64_t rdtsc_loop(void)
{
    long n = scaled(200000000);
    uint64_t last = 0, bad = 0;
    for (long i = 0; i < n; i++) {
        uint64_t t = __builtin_ia32_rdtsc();
        bad += t < last;
        last = t;
    }
    return n + bad;
}

/* 2000 sleeps of one millisecond. */
static uint64_t timer(void)
{
    long n = scaled(2000);
    double worst = 0, t0, sum = 0;
    for (long i = 0; i < n; i++) {
        struct timespec ts = {0, 1000000};
        t0 = now();
        clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
        double late = now() - t0 - 0.001;
        sum += late;
        worst = late > worst ? late : worst;
    }
    bench_note("late mean %.0f us, worst %.0f us", sum / n * 1e6, worst * 1e6);
    return n;
}

const Bench dev_benches[] = {
    {"dev.ide_read", ide_read},   {"dev.ide_rand", ide_rand},
    {"dev.ide_write", ide_write}, {"dev.vblk_read", vblk_read},
    {"dev.vblk_rand", vblk_rand}, {"dev.vblk_write", vblk_write},
    {"dev.e1000_rx", e1000_rx},   {"dev.e1000_tx", e1000_tx},
    {"dev.e1000_rr", e1000_rr},   {"dev.vnet_rx", vnet_rx},
    {"dev.vnet_tx", vnet_tx},     {"dev.vnet_rr", vnet_rr},
    {"dev.pio_in", pio_in},       {"dev.pio_out", pio_out},
    {"dev.mmio", mmio},           {"dev.vga_text", vga_text},
    {"dev.cpuid", cpuid_loop},    {"dev.rdtsc", rdtsc_loop},
    {"dev.timer", timer},         {NULL, NULL}};
