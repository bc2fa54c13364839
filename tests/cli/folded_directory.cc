// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/folded_directory.h"

#include <signal.h>

#include <filesystem>

#include "base/check.h"
#include "tests/cli/directory_life.h"
#include "tests/cli/served_words.h"
#include "tests/support/process.h"

namespace trident {
namespace {

// A fold is due after so many commits, and a batch is one line.
constexpr int kLines = 4'500;
constexpr uint64_t kSeed = 20'240'611;

std::vector<std::string> RunOn(const std::string& input, const std::string& state) {
  return {"wordcount",    "run",    "--input", input,           "--state",
          state,          "--sync", "none",    "--batch-rows",  "1",
          "--memory-mib", "64",     "--quiet", "--keep-serving"};
}

bool HasRowsInTheBase(const std::string& state) {
  const Ended verified = RunTrident({"state", "verify", state, "-o", "json"});
  TRIDENT_CHECK_EQ(verified.code, 0) << verified.err;
  // Of the first state, which is counts.
  return verified.out.find("\"base_keys\":") != verified.out.find("\"base_keys\":0,");
}

}  // namespace

const FoldedDirectory& FoldedDirectory::Get() {
  static const FoldedDirectory* const directory = new FoldedDirectory();
  return *directory;
}

// The fold is done beside the commits, so how far it gets before the kill differs: more lines are
// fed until it got somewhere. The last start leaves tables of redo and decisions, and a log.
FoldedDirectory::FoldedDirectory() {
  const std::string input = dir_.path() + "/lines";
  std::string text;
  uint64_t lines = 0;
  do {
    text += RandomLines(kSeed + lines, kLines);
    lines += kLines;
    WriteText(input, text);
    Background program(RunOn(input, path()));
    TRIDENT_CHECK(!program.AwaitLine("the input has ended").empty());
    program.End(SIGKILL);
  } while (!HasRowsInTheBase(path()));
  text += RandomLines(kSeed - 1, 20);
  lines += 20;
  WriteText(input, text);
  Background program(RunOn(input, path()));
  TRIDENT_CHECK(!program.AwaitLine("the input has ended").empty());
  program.End(SIGKILL);
  counts_ = CountsOf(text, lines);
}

void FoldedDirectory::CopyTo(const std::string& to) const {
  std::filesystem::copy(path(), to, std::filesystem::copy_options::recursive);
}

}  // namespace trident
