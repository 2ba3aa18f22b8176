// The kernel's test_lru_map, one test a process: its own source, unchanged, with a main that runs the test that is
// named (sanity0 … sanity8) over both map types and both kinds of lists, as its own main does.
#define main whole_test_lru_map
#include "test_lru_map.c"
#undef main

int main(int argc, char **argv)
{
	static const int types[] = {BPF_MAP_TYPE_LRU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH};
	static const int flags[] = {0, BPF_F_NO_COMMON_LRU};
	unsigned int f, t, n;

	if (argc < 2) {
		for (n = 0; n < 9; n++)
			printf("sanity%u\n", n);
		return 0;
	}
	if (sscanf(argv[1], "sanity%u", &n) != 1 || n > 8) {
		fprintf(stderr, "no such test: %s\n", argv[1]);
		return 2;
	}
	setbuf(stdout, NULL);
	nr_cpus = bpf_num_possible_cpus();
	assert(nr_cpus != -1);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	for (f = 0; f < 2; f++)
		for (t = 0; t < 2; t++) {
			unsigned int free = f ? PERCPU_FREE_TARGET : LOCAL_FREE_TARGET;

			switch (n) {
			case 0: test_lru_sanity0(types[t], flags[f]); break;
			case 1: test_lru_sanity1(types[t], flags[f], free); break;
			case 2: test_lru_sanity2(types[t], flags[f], free); break;
			case 3: test_lru_sanity3(types[t], flags[f], free); break;
			case 4: test_lru_sanity4(types[t], flags[f], free); break;
			case 5: test_lru_sanity5(types[t], flags[f]); break;
			case 6: test_lru_sanity6(types[t], flags[f], free); break;
			case 7: test_lru_sanity7(types[t], flags[f]); break;
			case 8: test_lru_sanity8(types[t], flags[f]); break;
			}
		}
	return 0;
}
