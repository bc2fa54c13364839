// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/directory_life.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "base/check.h"
#include "base/rng.h"
#include "base/status.h"
#include "tests/cli/served_words.h"

namespace trident {

namespace fs = std::filesystem;

std::string RandomLines(uint64_t seed, int lines) {
  Rng rng(seed);
  std::string text;
  for (int line = 0; line < lines; ++line) {
    for (uint64_t words = 1 + rng.Below(5); words > 0; --words) {
      text += Concat("w", rng.Below(60), words > 1 ? " " : "\n");
    }
  }
  return text;
}

std::string CountsOf(const std::string& text, uint64_t lines) {
  std::map<std::string, uint64_t> counts;
  std::istringstream in(text);
  std::string line, word;
  for (; lines > 0 && std::getline(in, line); --lines) {
    std::istringstream words(line);
    while (words >> word) ++counts[word];
  }
  std::string out;
  for (const auto& [counted, count] : counts) out += Concat(counted, "\t", count, "\n");
  return out;
}

uint64_t TxIdOf(const std::string& summary) {
  const std::string before = "at txid ";
  const size_t at = summary.find(before);
  TRIDENT_CHECK(at != std::string::npos) << summary;
  return std::stoull(summary.substr(at + before.size()));
}

namespace {

std::string Describe(const fs::path& path) {
  struct stat found;
  TRIDENT_CHECK_EQ(::lstat(path.c_str(), &found), 0);
  std::string out =
      Concat(path.string(), " mode ", found.st_mode, " inode ", found.st_ino, " size ",
             found.st_size, " mtime ", found.st_mtim.tv_sec, ".", found.st_mtim.tv_nsec, " ctime ",
             found.st_ctim.tv_sec, ".", found.st_ctim.tv_nsec, "\n");
  if (S_ISREG(found.st_mode)) out += ReadText(path) + "\n";
  return out;
}

}  // namespace

std::string FingerprintOf(const fs::path& dir) {
  std::vector<fs::path> paths = {dir};
  for (const auto& entry : fs::recursive_directory_iterator(dir)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::string out;
  for (const fs::path& path : paths) out += Describe(path);
  return out;
}

std::vector<fs::path> FilesOf(const fs::path& dir) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void FlipBit(const fs::path& file, uint64_t bit) {
  std::string content = ReadText(file);
  content[bit / 8] = static_cast<char>(content[bit / 8] ^ (1 << bit % 8));
  WriteText(file, content);
}

}  // namespace trident
