// SPDX-License-Identifier: Apache-2.0
#include "tests/faulty_disk/words_on_disk.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/check.h"
#include "base/status.h"
#include "coordinator/cli/cli.h"
#include "tests/support/paths.h"

namespace trident {
namespace {

namespace fs = std::filesystem;

// No directory, nothing in it, or no such state: see coordinator/cli/cli.h.
constexpr int kNothingThere = 1;

std::vector<std::string> LinesOf(std::istream&& in) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

void WordsOnDisk::Write(int lines) {
  std::ofstream out(dir_.path() + "/text", std::ios::app);
  for (; lines > 0; --lines) {
    words_.push_back(Concat("w", words_.size() * 31 % 197));
    out << words_.back() << "\n";
  }
  TRIDENT_CHECK(out.flush().good());
}

void WordsOnDisk::RemoveState() const { fs::remove_all(state()); }

FaultyStart WordsOnDisk::Count(const std::vector<std::string>& flags,
                               const DiskFault& fault) const {
  const std::string report = dir_.path() + "/report";
  std::ofstream(report).flush();
  FaultyStart start;
  start.ended =
      Start(flags, {"LD_PRELOAD=" + InBuild("tests/faulty_libc.so"), "FAULTY_DIR=" + state(),
                    "FAULTY_KIND=" + fault.kind, Concat("FAULTY_CALL=", fault.call),
                    "FAULTY_SINCE=" + fault.since, "FAULTY_REPORT=" + report,
                    // The address sanitizer wants to be the first, and need not be.
                    "ASAN_OPTIONS=verify_asan_link_order=0"});
  start.refused = LinesOf(std::ifstream(report));
  return start;
}

Ended WordsOnDisk::Start(const std::vector<std::string>& flags,
                         std::vector<std::string> environment) const {
  std::vector<std::string> words = {"wordcount",           "run",     "--input",
                                    dir_.path() + "/text", "--state", state(),
                                    "--memory-mib",        "64",      "--quiet"};
  words.insert(words.end(), flags.begin(), flags.end());
  return RunProgramToEnd(words, {.environment = std::move(environment)});
}

WordCounts WordsOnDisk::Found() const {
  std::ostringstream out, err;
  const int code = RunCli({"state", "dump", state(), "counts"}, out, err);
  if (code == kNothingThere) return {};
  TRIDENT_CHECK_EQ(code, 0) << err.str();
  WordCounts counts;
  for (const std::string& line : LinesOf(std::istringstream(out.str()))) {
    const size_t tab = line.find('\t');
    counts[line.substr(0, tab)] = std::stoll(line.substr(tab + 1));
  }
  return counts;
}

WordCounts WordsOnDisk::Expected(int64_t lines) const {
  WordCounts counts;
  for (int64_t i = 0; i < lines; ++i) ++counts[words_[static_cast<size_t>(i)]];
  return counts;
}

std::map<std::string, std::string> WordsOnDisk::Files() const {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(state())) {
    if (entry.path().filename() == "LOCK") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path()] =
        entry.is_directory() ? "a directory" : std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

int64_t LinesIn(const WordCounts& counts) {
  int64_t sum = 0;
  for (const auto& [word, count] : counts) sum += count;
  return sum;
}

}  // namespace trident
