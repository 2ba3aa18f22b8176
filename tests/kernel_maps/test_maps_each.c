// The kernel's test_maps, one test a process: its own source, unchanged, with a main that runs the test that is
// named. "NAME no_prealloc" is the second round of its own main (BPF_F_NO_PREALLOC).
#define main whole_test_maps
#include "test_maps.c"
#undef main

struct named_test {
	const char *name;
	void (*task)(unsigned int task, void *data);
	void (*plain)(void);
};

static const struct named_test named_tests[] = {
	{"hashmap", test_hashmap, NULL},
	{"hashmap_percpu", test_hashmap_percpu, NULL},
	{"hashmap_walk", test_hashmap_walk, NULL},
	{"hashmap_zero_seed", NULL, test_hashmap_zero_seed},
	{"arraymap", test_arraymap, NULL},
	{"arraymap_percpu", test_arraymap_percpu, NULL},
	{"arraymap_percpu_many_keys", NULL, test_arraymap_percpu_many_keys},
	{"devmap", test_devmap, NULL},
	{"devmap_hash", test_devmap_hash, NULL},
	{"sockmap", test_sockmap, NULL},
	{"map_large", NULL, test_map_large},
	{"map_parallel", NULL, test_map_parallel},
	{"map_stress", NULL, test_map_stress},
	{"map_rdonly", NULL, test_map_rdonly},
	{"map_wronly", NULL, test_map_wronly},
	{"reuseport_array", NULL, test_reuseport_array},
	{"queuemap", test_queuemap, NULL},
	{"stackmap", test_stackmap, NULL},
	{"map_in_map", NULL, test_map_in_map},
#define DEFINE_TEST(name) {#name, NULL, test_##name},
#include <map_tests/tests.h>
#undef DEFINE_TEST
};

int main(int argc, char **argv)
{
	const struct named_test *t = named_tests, *end = t + sizeof(named_tests) / sizeof(*t);

	if (argc < 2) {
		for (; t < end; t++)
			puts(t->name);
		return 0;
	}
	srand(time(NULL));
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	map_opts.map_flags = argc > 2 && !strcmp(argv[2], "no_prealloc") ? BPF_F_NO_PREALLOC : 0;
	for (; t < end; t++) {
		if (strcmp(t->name, argv[1]))
			continue;
		if (t->task)
			t->task(0, NULL);
		else
			t->plain();
		printf("%s: OK, %d SKIPPED\n", t->name, skips);
		return 0;
	}
	fprintf(stderr, "no such test: %s\n", argv[1]);
	return 2;
}
