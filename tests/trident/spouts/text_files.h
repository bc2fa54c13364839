// SPDX-License-Identifier: Apache-2.0
//
// Files for the tests of text spouts, and the plain way to read them, as the oracle.
#ifndef TRIDENT_TESTS_TRIDENT_SPOUTS_TEXT_FILES_H_
#define TRIDENT_TESTS_TRIDENT_SPOUTS_TEXT_FILES_H_

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "tests/trident/spouts/reading.h"
#include "trident/spouts/text_file_spout.h"
#include "trident/spouts/text_position.h"

namespace trident::testing {

// A directory of its own that goes away with the object.
class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "trident-text-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  std::string File(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

  std::string Write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories(std::filesystem::path(File(name)).parent_path());
    std::ofstream(File(name), std::ios::binary | std::ios::trunc) << content;
    return File(name);
  }
  void Append(const std::string& name, const std::string& content) const {
    std::ofstream(File(name), std::ios::binary | std::ios::app) << content;
  }

 private:
  std::string path_;
};

// The lines of a text by std::getline; "\r" goes where it stands before "\n".
inline std::vector<std::string> LinesOf(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!in.eof() && !line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

inline std::shared_ptr<Spout> SpoutOf(TextFileOptions options) {
  auto spout = TextFileSpout::Make(std::move(options));
  EXPECT_TRUE(spout.ok()) << spout.status();
  return *spout;
}

// Waits until `spout` has at least `n` partitions behind the first `known`.
inline std::vector<std::string> AwaitPartitions(Spout& spout, size_t known, size_t n) {
  for (int i = 0; i < 10'000; ++i) {
    std::vector<std::string> later = spout.PartitionsAfter(known).names;
    if (later.size() >= n) return later;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ADD_FAILURE() << "no " << n << " partitions behind the first " << known;
  return {};
}

// Lines of all kinds: empty, long, with a return, with bytes that are no UTF-8.
inline std::string RandomText(Rng& rng) {
  std::string text = rng.Chance(0.3) ? "\xef\xbb\xbf" : "";
  for (uint64_t lines = rng.Below(60); lines > 0; --lines) {
    const uint64_t longest = rng.Chance(0.05) ? 9000 : 30;
    for (uint64_t n = rng.Below(longest); n > 0; --n) {
      text.push_back(static_cast<char>('a' + rng.Below(20)));
    }
    if (rng.Chance(0.1)) text += "\xc3\xa4\xf0\x9f\x98\x80";
    if (rng.Chance(0.05)) text += "\xff";
    if (rng.Chance(0.9) || lines > 1) text += rng.Chance(0.2) ? "\r\n" : "\n";
  }
  return text;
}

// All that a reader gives from `at` on, in slices of any size.
inline std::vector<std::string> ReadFrom(SourceReader& reader, Position at, Rng& rng) {
  std::vector<std::string> all;
  while (true) {
    const ReadRows read = ReadOnce(reader, at, {1 + rng.Below(40), 1 + rng.Below(2000)});
    EXPECT_TRUE(read.status.ok()) << read.status;
    if (!read.status.ok()) return all;
    all.insert(all.end(), read.rows.begin(), read.rows.end());
    at = read.result.end;
    if (read.result.next == ReadResult::Next::kMore) continue;
    if (PollAt(reader, at) == Availability::State::kEnded) return all;
  }
}

inline std::vector<std::string> Joined(const std::vector<std::vector<std::string>>& parts) {
  std::vector<std::string> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace trident::testing

#endif  // TRIDENT_TESTS_TRIDENT_SPOUTS_TEXT_FILES_H_
