// Where redirected packets go, counted by target.
#pragma once
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "host/effects.h"
#include "loader/object.h"
#include "runtime/test_run.h"

namespace osmia::cli {

class Redirects {
 public:
  explicit Redirects(const loader::LoadedObject& object) : object_(object) {}
  // A run that returned `action`; counts only if that is a redirection, and what was cloned in any case.
  void count(u32 action, const std::string& action_name, const runtime::TestRunResult& r);
  std::string text(u32 action) const;  // lines below an action's own; empty: none
  nlohmann::ordered_json json(u32 action) const;
  std::string clones_text() const;
  nlohmann::ordered_json clones_json() const;

 private:
  struct Target {
    std::string kind, map;
    bool has_key = false, to_ingress = false;
    u32 ifindex = 0, key = 0;
    std::string program, then;  // of the map's element: its name; what became of the frame
    u32 action = 0;             // of that program
    auto operator<=>(const Target&) const = default;
  };
  Target target_of(const host::Redirect& r) const;
  Target target_of(const runtime::FrameHop& hop) const;
  static std::string action_name(u32 action);
  static std::string words(const Target& t);
  static void describe(const Target& t, nlohmann::ordered_json& j);
  const loader::LoadedObject& object_;
  std::map<u32, std::map<Target, u64>> by_action_;
  std::map<u32, u64> clones_;  // by device
};

}  // namespace osmia::cli
