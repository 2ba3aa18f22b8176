// The worker's loop: a command a line in, one JSON object a line out. Unknown commands and failures are
// answers, never an end of the process; the end of the input is.
#include <iostream>
#include <sstream>

#include "worker.h"

using namespace osmia::bench;

int main(int argc, char** argv) {
  std::string why;
  const bool open = side_open(Words(argv + 1, argv + argc), why);
  std::cout << Json{{"ok", open}, {"why", why}} << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream in(line);
    Words words;
    for (std::string w; in >> w;) words.push_back(w);
    if (words.empty()) continue;
    Json answer;
    for (auto* command : {verify_command, run_command, maps_command, side_command}) {
      answer = command(words);
      if (!answer.is_null()) break;
    }
    if (answer.is_null()) answer = failure("unknown command " + words[0]);
    std::cout << answer.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  }
  objects().clear();
}
