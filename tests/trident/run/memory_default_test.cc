// SPDX-License-Identifier: Apache-2.0
#include "trident/run/memory_default.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/limits.h"
#include "tests/support/temp_dir.h"

namespace trident {
namespace {

// A system's files, as a test writes them.
class MemoryDefaultTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = dir_.path() + "/" + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  MemoryDefault Default() const {
    return DefaultMemory({.proc = dir_.path() + "/proc", .cgroup = dir_.path() + "/cgroup"});
  }
  void HasFree(uint64_t mib) {
    Write("proc/meminfo",
          "MemTotal: 99999999 kB\nMemAvailable:   " + std::to_string(mib * 1024) + " kB\n");
  }

  TempDir dir_;
};

TEST_F(MemoryDefaultTest, ALargeMachineGivesTheDefault) {
  HasFree(16 * 1024);
  Write("proc/self/cgroup", "0::/a/b\n");
  Write("cgroup/a/b/memory.max", "max\n");
  EXPECT_EQ(Default().bytes, static_cast<uint64_t>(kMemoryBytesDefault));
  EXPECT_EQ(Default().reason, "");
}

TEST_F(MemoryDefaultTest, AContainerGivesHalfOfWhatItOrAnyAroundItAllows) {
  HasFree(16 * 1024);
  Write("proc/self/cgroup", "0::/a/b\n");
  Write("cgroup/a/b/memory.max", "max\n");
  Write("cgroup/a/memory.max", std::to_string(512 * kMiB) + "\n");
  EXPECT_EQ(Default().bytes, static_cast<uint64_t>(256 * kMiB));
  EXPECT_EQ(Default().reason, "half of what its container allows, 512 MiB");
  Write("cgroup/memory.max", std::to_string(300 * kMiB) + "\n");
  EXPECT_EQ(Default().bytes, static_cast<uint64_t>(150 * kMiB)) << "as a container sees itself";
}

TEST_F(MemoryDefaultTest, AContainerOfTheOlderKindCountsToo) {
  HasFree(16 * 1024);
  Write("proc/self/cgroup", "7:cpu:/x\n5:memory:/x\n");
  Write("cgroup/memory/x/memory.limit_in_bytes", std::to_string(600 * kMiB) + "\n");
  EXPECT_EQ(Default().bytes, static_cast<uint64_t>(300 * kMiB));
}

TEST_F(MemoryDefaultTest, WhatIsFreeCountsAndTheLeastStays) {
  HasFree(800);
  EXPECT_EQ(Default().bytes, static_cast<uint64_t>(400 * kMiB));
  EXPECT_EQ(Default().reason, "half of what is free, 800 MiB");
  HasFree(10);
  EXPECT_EQ(Default().bytes, static_cast<uint64_t>(kMemoryBytesMin));
}

// Half of it would be too little, and the least may be too much for it.
TEST_F(MemoryDefaultTest, AContainerThatIsSmallerThanTheLeastIsRefusedAndANarrowOneIsTold) {
  HasFree(16 * 1024);
  Write("proc/self/cgroup", "0::/a\n");
  const auto allow = [&](int64_t mib) {
    Write("cgroup/a/memory.max", std::to_string(mib * kMiB) + "\n");
    return Default();
  };
  EXPECT_EQ(allow(60).refusal,
            "its container allows 60 MiB of memory, and a run takes at least 64 MiB; it takes up "
            "to 64 MiB beside that, so that it needs 128 MiB. Give the container more");
  EXPECT_EQ(allow(64).refusal, "");
  EXPECT_EQ(allow(100).bytes, static_cast<uint64_t>(kMemoryBytesMin));
  EXPECT_EQ(allow(100).reason,
            "the least that there is, although half of what its container allows, 100 MiB, is "
            "less; it takes up to 64 MiB beside that, so that it needs 128 MiB");
  EXPECT_EQ(allow(128).reason, "half of what its container allows, 128 MiB");
  EXPECT_EQ(allow(128).refusal, "");
}

TEST_F(MemoryDefaultTest, ASystemThatTellsNothingGivesTheDefault) {
  EXPECT_EQ(Default().bytes, static_cast<uint64_t>(kMemoryBytesDefault));
}

}  // namespace
}  // namespace trident
