// SPDX-License-Identifier: Apache-2.0
//
// kill_topology DIR INPUT KIND: runs the word topology until its input ends. Exit code 0 then.
#include <cstdio>
#include <cstdlib>

#include "tests/kill/word_topology.h"

int main(int argc, char** argv) {
  using namespace trident;
  if (argc != 4) {
    std::fprintf(stderr, "usage: kill_topology DIR INPUT KIND\n");
    return 2;
  }
  auto kind = static_cast<StateKind>(std::atoi(argv[3]));
  auto run = Run::Start(WordTopology(argv[2], kind), KillRunOptions(argv[1]));
  Status status = run.ok() ? (*run)->AwaitEnd() : run.status();
  if (!status.ok()) std::fprintf(stderr, "kill_topology: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
