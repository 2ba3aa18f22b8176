// Reads the case files: see rfc9669/README.md for the format.
#pragma once
#include <fstream>
#include <string>
#include <vector>

namespace osmia::conformance {

struct Case {
  std::string file, name, program, memory, result;
  int line = 0;
};

inline std::vector<Case> read_cases(const std::string& path) {
  std::vector<Case> out;
  std::ifstream in(path);
  Case now;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    number++;
    auto rest = [&](size_t n) { return line.size() > n ? line.substr(n) : std::string(); };
    if (line.starts_with("#")) continue;
    if (line.starts_with("test ")) {
      now = Case{.file = path, .name = rest(5)};
      now.line = number;
    } else if (line.starts_with("memory ")) {
      now.memory = rest(7);
    } else if (line.starts_with("result ")) {
      now.result = rest(7);
      out.push_back(now);
    } else {
      now.program += line + "\n";
    }
  }
  return out;
}

}  // namespace osmia::conformance
