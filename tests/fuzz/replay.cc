// SPDX-License-Identifier: Apache-2.0
//
// The main of a fuzz target in builds without libFuzzer: it feeds each file named on the command
// line, or each file in a folder named there, to the target once. With no seeds it fails, because a
// replay of nothing proves nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> SeedsUnder(const fs::path& path) {
  std::vector<fs::path> seeds;
  if (fs::is_directory(path)) {
    for (const auto& entry : fs::recursive_directory_iterator(path)) {
      if (entry.is_regular_file()) seeds.push_back(entry.path());
    }
    std::sort(seeds.begin(), seeds.end());
  } else if (fs::is_regular_file(path)) {
    seeds.push_back(path);
  }
  return seeds;
}

void Feed(const fs::path& seed) {
  std::ifstream file(seed, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  size_t fed = 0;
  for (int i = 1; i < argc; ++i) {
    for (const fs::path& seed : SeedsUnder(argv[i])) {
      // Named before it runs, so that a crash names its seed.
      std::printf("%s\n", seed.c_str());
      std::fflush(stdout);
      Feed(seed);
      ++fed;
    }
  }
  if (fed == 0) {
    std::fprintf(stderr, "expected seed files or folders with seeds, found none\n");
    return 1;
  }
  std::printf("%zu seeds replayed\n", fed);
  return 0;
}
