/* The same from C: loads the firewall, blocks a source address, runs packets through it.
 *   firewall_c xdp_firewall.bpf.o */
#include <osmia/osmia.h>
#include <stdio.h>
#include <string.h>

struct flow { /* of the program */
  uint32_t saddr[4], daddr[4];
  uint16_t sport, dport;
  uint8_t proto, family;
  uint16_t pad;
};

static int fail(const char* what) {
  fprintf(stderr, "firewall_c: %s: %s\n", what, osmia_last_error());
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2) return fprintf(stderr, "usage: firewall_c xdp_firewall.bpf.o\n"), 2;
  osmia_kernel* kernel;
  osmia_object* object;
  if (osmia_kernel_create(NULL, &kernel)) return fail("kernel");

  struct osmia_verdict verdict = {.size = sizeof verdict};
  if (osmia_verify(kernel, argv[1], "firewall", &verdict, NULL, 0)) return fail("verify");
  printf("verified: %s, %u instructions processed\n", verdict.accepted ? "accepted" : osmia_last_error(),
         verdict.instructions_processed);

  if (osmia_object_load(kernel, argv[1], &object)) return fail("load");
  osmia_program* firewall = osmia_object_program(object, "firewall");
  osmia_map* blocklist = osmia_object_map(object, "blocklist");
  if (!firewall || !blocklist) return fail("object");

  struct flow rule = {.saddr = {0, 0, 0, 10 | 7u << 24}, .family = 4}; /* 10.0.0.7 as it lies in the packet */
  uint64_t stats[2] = {0, 0};
  if (osmia_map_update(blocklist, &rule, stats, 0)) return fail("blocklist");

  for (unsigned host = 6; host <= 7; host++) {
    unsigned char p[64] = {0}; /* Ethernet, IPv4, UDP to port 53 */
    p[12] = 0x08, p[14] = 0x45, p[17] = 50, p[22] = 64, p[23] = 17, p[26] = 10, p[29] = (unsigned char)host;
    p[37] = 53, p[39] = 30;
    struct osmia_run run = {.size = sizeof run, .data = p, .data_size = sizeof p};
    if (osmia_program_run(firewall, &run)) return fail("run");
    printf("10.0.0.%u -> port 53: %s\n", host, run.return_value == 1 ? "dropped" : "passed");
  }
  if (osmia_map_lookup(blocklist, &rule, stats)) return fail("lookup");
  printf("rule for 10.0.0.7: %llu packets\n", (unsigned long long)stats[0]);
  osmia_object_free(object);
  osmia_kernel_free(kernel);
  return 0;
}
