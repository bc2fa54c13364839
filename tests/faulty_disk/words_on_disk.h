// SPDX-License-Identifier: Apache-2.0
//
// A text, and a state directory in which the program `wordcount` counts its words, on a disk that
// can be told to fail.
#ifndef TRIDENT_TESTS_FAULTY_DISK_WORDS_ON_DISK_H_
#define TRIDENT_TESTS_FAULTY_DISK_WORDS_ON_DISK_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace trident {

using WordCounts = std::map<std::string, int64_t>;

// The settings of preload/faulty_libc.cc.
struct DiskFault {
  std::string kind;        // "full" or "readonly"
  int call = 1;            // the first that is refused
  std::string since = {};  // counted is the thread that first makes a file in this directory
};

// What came of a start on a disk with a fault.
struct FaultyStart {
  Ended ended;
  std::vector<std::string> refused;  // "write PATH" and so on, in order
};

class WordsOnDisk {
 public:
  // Appends so many lines to the text, each of one word.
  void Write(int lines);

  std::string state() const { return dir_.path() + "/state"; }
  void RemoveState() const;

  // `wordcount run` with these flags.
  Ended Count(const std::vector<std::string>& flags) const { return Start(flags, {}); }
  FaultyStart Count(const std::vector<std::string>& flags, const DiskFault& fault) const;

  // What `trident state dump` finds; none where there is no such state yet.
  WordCounts Found() const;
  // How often each word is in the first `lines` of the text, counted here.
  WordCounts Expected(int64_t lines) const;
  WordCounts Expected() const { return Expected(static_cast<int64_t>(words_.size())); }

  // Every file with its content, but for the lock, which says who asked last.
  std::map<std::string, std::string> Files() const;

 private:
  Ended Start(const std::vector<std::string>& flags, std::vector<std::string> environment) const;

  TempDir dir_;
  std::vector<std::string> words_;
};

// The sum: how many lines they were counted in.
int64_t LinesIn(const WordCounts& counts);

}  // namespace trident

#endif  // TRIDENT_TESTS_FAULTY_DISK_WORDS_ON_DISK_H_
