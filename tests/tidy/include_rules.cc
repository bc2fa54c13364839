// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/tidy/rules.h"

namespace trident::tidy {
namespace {

struct MapLine {
  std::string_view folder;
  std::vector<std::string_view> may_include;
};

// The include map of ARCHITECTURE.md; a folder may always include itself. A path belongs to the
// longest line that it is under, and a line names exactly the folders that are included: to name
// `engine` is not to name `engine/transport`.
const std::vector<MapLine>& IncludeMap() {
  static const std::vector<MapLine> map = {
      {"base/ports", {"base"}},
      {"base", {}},
      {"proto", {}},
      {"engine/data", {"base"}},
      {"engine/transport", {"base"}},
      {"engine/frames", {"base", "engine/data", "engine/transport"}},
      {"engine/links", {"base", "base/ports", "engine/data", "engine/frames", "engine/transport"}},
      {"engine/partitioners", {"base", "engine"}},
      {"engine", {"base", "engine/data", "engine/transport", "engine/frames"}},
      {"state/disk", {"base"}},
      {"state/redo", {"base"}},
      {"state/view", {"base", "state/disk"}},
      {"state/map", {"base", "state/disk", "state/redo", "state/view"}},
      {"state", {"base", "state/disk", "state/redo", "state/view", "state/map"}},
      {"coordinator/cli/directory",
       {"base", "state/disk", "state/redo", "state/map", "coordinator/serve", "coordinator"}},
      {"coordinator/protocol", {"base", "engine/transport"}},
      {"coordinator/serve", {"base", "base/ports", "proto", "state/view"}},
      {"coordinator/cli",
       {"base", "base/ports", "proto", "state/disk", "coordinator/serve",
        "coordinator/cli/directory"}},
      {"coordinator/cluster",
       {"base", "base/ports", "proto", "engine/transport", "state/disk", "state/view",
        "coordinator/protocol", "coordinator"}},
      {"coordinator", {"base", "engine/transport", "state/disk", "coordinator/protocol"}},
      {"trident/functions", {"base", "engine/data", "engine"}},
      {"trident/states", {"base", "state/disk"}},
      {"trident/plan",
       {"base", "engine/data", "engine", "state/disk", "state/view", "state/map", "state",
        "trident/states"}},
      {"trident/operators", {"base", "engine/data", "engine", "trident/functions", "trident/plan"}},
      {"trident/planner",
       {"base", "engine", "engine/partitioners", "trident/plan", "trident/operators"}},
      {"trident/spouts", {"base", "engine/data", "engine", "trident/functions"}},
      {"trident/run/parts",
       {"base", "base/ports", "engine/transport", "engine", "state/disk", "state/redo",
        "state/view", "state", "coordinator/serve", "coordinator/protocol", "coordinator",
        "trident/states", "trident/plan", "trident/planner"}},
      {"trident/run/cluster",
       {"base", "base/ports", "engine/transport", "engine/links", "engine", "state/disk",
        "state/view", "state", "coordinator/cluster", "coordinator/serve", "coordinator/protocol",
        "coordinator", "trident/plan", "trident/planner", "trident/run/parts"}},
      {"trident/run",
       {"base", "base/ports", "engine", "state/disk", "state/view", "state", "coordinator/serve",
        "coordinator", "trident/planner", "trident/run/parts", "trident/run/cluster", "trident"}},
      {"trident",
       {"base", "engine/data", "engine", "engine/partitioners", "trident/functions",
        "trident/states", "trident/plan", "trident/operators", "trident/planner"}},
      {"examples", {}},
      {"tests", {}},
  };
  return map;
}

const MapLine* LineFor(std::string_view path) {
  const MapLine* best = nullptr;
  for (const MapLine& line : IncludeMap()) {
    if (!IsUnder(path, line.folder)) continue;
    if (best == nullptr || line.folder.size() > best->folder.size()) best = &line;
  }
  return best;
}

bool MayInclude(const MapLine& from, std::string_view target) {
  const MapLine* to = LineFor(target);
  if (to == nullptr || to->folder == from.folder || from.folder == "tests") return true;
  // Examples show what a user may write.
  if (from.folder == "examples") return IsUnder(target, "base") || IsUnder(target, "trident");
  for (std::string_view folder : from.may_include) {
    if (to->folder == folder) return true;
  }
  return false;
}

std::string Join(const std::vector<std::string_view>& names) {
  std::string out;
  for (std::string_view name : names) out += (out.empty() ? "" : ", ") + std::string(name);
  return out.empty() ? "nothing of ours" : out;
}

std::string At(const SourceFile& file, int line) {
  return file.path() + ":" + std::to_string(line) + ": ";
}

bool StartsWith(std::string_view s, std::string_view start) {
  return s.substr(0, start.size()) == start;
}
bool Contains(std::string_view s, std::string_view part) {
  return s.find(part) != std::string_view::npos;
}
bool IsGenerated(std::string_view target) {
  return StartsWith(target, "proto/") && Contains(target, ".pb.h");
}
// `target` without ".grpc.pb.h" or ".pb.h", as a .proto file.
std::string ProtoOf(std::string_view target) {
  return std::string(target.substr(0, target.find('.'))) + ".proto";
}

bool IsGrpc(std::string_view target) {
  return StartsWith(target, "grpc") || Contains(target, ".grpc.pb.h");
}
bool MayIncludeGrpc(const SourceFile& file) {
  if (IsUnder(file.path(), "tests")) return true;
  if (file.IsHeader()) {
    return (IsUnder(file.path(), "coordinator/serve") && Contains(file.Name(), "service")) ||
           (IsUnder(file.path(), "coordinator/cluster") && StartsWith(file.Name(), "grpc_"));
  }
  return IsUnder(file.path(), "coordinator/cluster") || IsUnder(file.path(), "coordinator/serve") ||
         IsUnder(file.path(), "coordinator/cli") || IsUnder(file.path(), "engine/links") ||
         IsUnder(file.path(), "base/ports") || IsUnder(file.path(), "trident/run");
}
bool MayIncludeMessages(const SourceFile& file) {
  return !file.IsHeader() || IsUnder(file.path(), "tests") || Contains(file.Name(), "service") ||
         Contains(file.Name(), "codec");
}
bool MayIncludeRocksDb(const SourceFile& file) {
  return IsUnder(file.path(), "tests") || (IsUnder(file.path(), "state/disk") && !file.IsHeader());
}

constexpr std::array kImpureHeaders = {
    "thread",  "mutex",    "condition_variable", "future", "chrono",
    "ctime",   "time.h",   "filesystem",         "cstdio", "stdio.h",
    "fstream", "iostream", "unistd.h",           "random", "base/mutex.h"};

// tests/<folder>/extra.cmake names the .cc files that it builds.
bool IsNamedInExtra(const SourceTree& tree, const SourceFile& file) {
  constexpr std::string_view kTests = "tests/";
  const size_t end = file.path().find('/', kTests.size());
  if (end == std::string::npos) return false;
  const auto extra = tree.files().find(file.path().substr(0, end) + "/extra.cmake");
  if (extra == tree.files().end()) return false;
  for (const std::string& line : extra->second.lines()) {
    if (Contains(line, file.Name())) return true;
  }
  return false;
}

// An include that shows no use: of the file itself, or of the header that a .cc file belongs to.
bool IsOwnHeader(const SourceFile& file, std::string_view target) {
  if (file.IsHeader()) return target == file.path();
  return target == file.path().substr(0, file.path().rfind('.')) + ".h";
}

// The files of the commit protocol with all of ours that they include.
std::set<std::string> ProtocolFiles(const SourceTree& tree) {
  std::set<std::string> reached;
  std::vector<std::string> open;
  auto reach = [&](const std::string& path) {
    if (tree.Has(path) && reached.insert(path).second) open.push_back(path);
  };
  for (const auto& [path, file] : tree.files()) {
    if (IsUnder(path, "coordinator/protocol") && file.IsCpp()) reach(path);
  }
  while (!open.empty()) {
    const SourceFile& file = tree.files().at(open.back());
    open.pop_back();
    for (const Include& include : file.includes()) reach(include.target);
  }
  return reached;
}

}  // namespace

Findings CheckIncludeMap(const SourceTree& tree) {
  Findings found;
  for (const auto& [path, file] : tree.files()) {
    const MapLine* from = LineFor(path);
    if (from == nullptr) continue;
    for (const Include& include : file.includes()) {
      if (MayInclude(*from, include.target)) continue;
      found.push_back(At(file, include.line) + std::string(from->folder) + "/ may include " +
                      Join(from->may_include) + "; found " + include.target);
    }
  }
  return found;
}

Findings CheckIncludeMapIsTight(const SourceTree& tree) {
  std::set<std::pair<std::string_view, std::string_view>> used;
  for (const auto& [path, file] : tree.files()) {
    const MapLine* from = LineFor(path);
    if (from == nullptr) continue;
    for (const Include& include : file.includes()) {
      if (const MapLine* to = LineFor(include.target)) used.emplace(from->folder, to->folder);
    }
  }
  Findings found;
  for (const MapLine& line : IncludeMap()) {
    for (std::string_view folder : line.may_include) {
      if (used.count({line.folder, folder}) > 0) continue;
      found.push_back("tests/tidy/include_rules.cc:1: the include map lets " +
                      std::string(line.folder) + "/ include " + std::string(folder) +
                      "/, and no file does; take it out");
    }
  }
  return found;
}

Findings CheckIncludeMapHasNoCircles() {
  // Folders fall away when all that they include has fallen away; what stays is in a circle or
  // includes one.
  std::set<std::string_view> left;
  for (const MapLine& line : IncludeMap()) left.insert(line.folder);
  for (bool fell = true; fell;) {
    fell = false;
    for (const MapLine& line : IncludeMap()) {
      bool waits = false;
      for (std::string_view folder : line.may_include) waits = waits || left.count(folder) > 0;
      if (!waits && left.erase(line.folder) > 0) fell = true;
    }
  }
  Findings found;
  for (std::string_view folder : left) {
    found.push_back("tests/tidy/include_rules.cc:1: " + std::string(folder) +
                    "/ is in a circle of the include map, or includes one");
  }
  return found;
}

Findings CheckIncludesResolve(const SourceTree& tree) {
  Findings found;
  for (const auto& [path, file] : tree.files()) {
    for (const Include& include : file.includes()) {
      if (LineFor(include.target) == nullptr) {
        // A bare name would be a file beside the includer.
        if (Contains(include.target, ".h") && tree.Has(file.Folder() + "/" + include.target)) {
          found.push_back(At(file, include.line) +
                          "includes start at the root of the tree; found " + include.target);
        }
        continue;
      }
      const bool there = IsGenerated(include.target) ? tree.Has(ProtoOf(include.target))
                                                     : tree.Has(include.target);
      if (!there) found.push_back(At(file, include.line) + "no such file: " + include.target);
    }
  }
  return found;
}

Findings CheckForeignHeaders(const SourceTree& tree) {
  Findings found;
  for (const auto& [path, file] : tree.files()) {
    for (const Include& include : file.includes()) {
      const std::string& target = include.target;
      if (StartsWith(target, "rocksdb/") && !MayIncludeRocksDb(file)) {
        found.push_back(At(file, include.line) + "RocksDB is behind state/disk/*.cc; found " +
                        target);
      } else if (IsGrpc(target) && !MayIncludeGrpc(file)) {
        found.push_back(
            At(file, include.line) +
            "gRPC is behind service files, grpc_*, base/ports and engine/links; found " + target);
      } else if (IsGenerated(target) && !MayIncludeMessages(file)) {
        found.push_back(
            At(file, include.line) +
            "a header shows generated messages only when it is a service or codec; found " +
            target);
      }
    }
  }
  return found;
}

std::set<std::string> InstalledHeaders(const SourceTree& tree) {
  std::set<std::string> installed;
  std::vector<std::string> open;
  const auto list = tree.files().find("cmake/public_headers.txt");
  if (list == tree.files().end()) return installed;
  for (const std::string& line : list->second.lines()) {
    if (!line.empty() && line[0] != '#') open.push_back(line);
  }
  while (!open.empty()) {
    const std::string path = open.back();
    open.pop_back();
    if (!tree.Has(path) || !installed.insert(path).second) continue;
    for (const Include& include : tree.files().at(path).includes()) open.push_back(include.target);
  }
  return installed;
}

Findings CheckInstalledHeaders(const SourceTree& tree) {
  Findings found;
  const auto list = tree.files().find("cmake/public_headers.txt");
  if (list != tree.files().end()) {
    int number = 0;
    for (const std::string& line : list->second.lines()) {
      ++number;
      if (line.empty() || line[0] == '#' || tree.Has(line)) continue;
      found.push_back(At(list->second, number) + "no such header: " + line);
    }
  }
  for (const std::string& path : InstalledHeaders(tree)) {
    const SourceFile& file = tree.files().at(path);
    // How partitions of a state work is nothing that a program compiles.
    for (std::string_view inside : {"state/map", "state/redo", "coordinator", "trident/planner"}) {
      if (!IsUnder(path, inside)) continue;
      found.push_back(path + ":1: a public header includes this one, which is the library's own");
    }
    for (const Include& include : file.includes()) {
      const std::string& target = include.target;
      const bool standard = !Contains(target, "/") && !Contains(target, ".h");
      if (standard || tree.Has(target) || StartsWith(target, "absl/") || target == "xxhash.h") {
        continue;
      }
      found.push_back(At(file, include.line) + "this header is installed, but not " + target);
    }
  }
  return found;
}

Findings CheckProtocolIsPure(const SourceTree& tree) {
  Findings found;
  for (const std::string& path : ProtocolFiles(tree)) {
    const SourceFile& file = tree.files().at(path);
    for (const Include& include : file.includes()) {
      for (std::string_view impure : kImpureHeaders) {
        if (include.target != impure) continue;
        found.push_back(At(file, include.line) +
                        "coordinator/protocol has no I/O, clock or thread; it reaches <" +
                        include.target + "> from here");
      }
    }
    if (path == "base/clock.h") continue;
    for (size_t i = 0; i < file.code().size(); ++i) {
      if (!Contains(file.code()[i], "Clock")) continue;
      found.push_back(At(file, static_cast<int>(i) + 1) +
                      "time reaches the protocol as an event, never through a Clock");
    }
  }
  return found;
}

Findings CheckNoDeadFiles(const SourceTree& tree) {
  std::set<std::string> included, tested;
  for (const auto& [path, file] : tree.files()) {
    for (const Include& include : file.includes()) {
      if (!IsOwnHeader(file, include.target)) included.insert(include.target);
    }
    if (IsUnder(path, "tests") && path.size() > 8 && path.substr(path.size() - 8) == "_test.cc") {
      tested.insert(file.Folder());
    }
  }
  Findings found;
  for (const auto& [path, file] : tree.files()) {
    if (!file.IsCpp()) continue;
    if (file.IsHeader()) {
      if (included.count(path) == 0) {
        found.push_back(path + ":1: no file but its own .cc includes this header");
      }
      continue;
    }
    bool built = LineFor(path) != nullptr;
    if (IsUnder(path, "examples")) built = file.Folder() == "examples";
    if (IsUnder(path, "tests")) {
      built = tested.count(file.Folder()) > 0 || IsNamedInExtra(tree, file);
      for (std::string_view folder :
           {"tests/support", "tests/bench", "tests/fuzz", "tests/compile_fail", "tests/install"}) {
        built = built || IsUnder(path, folder);
      }
    }
    if (!built) found.push_back(path + ":1: no library, program or test is built from this file");
  }
  return found;
}

}  // namespace trident::tidy
