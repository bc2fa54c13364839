// SPDX-License-Identifier: Apache-2.0
#include "engine/spout_driver.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/data/field.h"

namespace trident {
namespace {

constexpr Field<int64_t> kNumber{"number"};

// Keeps its wake-up for ever, as a queue of messages may do.
class KeepingSpout final : public Spout {
 public:
  SpoutKind kind() const override { return SpoutKind::kOpaque; }
  const SchemaRef& schema() const override { return schema_; }
  StatusOr<std::vector<std::string>> Partitions() override { return std::vector<std::string>{"p"}; }
  StatusOr<std::unique_ptr<SourceReader>> OpenReader(const std::string&, WakeUp wake) override {
    if (open_throws) throw std::runtime_error("no such luck");
    wake_up = std::move(wake);
    return std::make_unique<Reader>();
  }
  std::string Describe() const override { return "keeping"; }

  bool open_throws = false;
  WakeUp wake_up;

 private:
  class Reader final : public SourceReader {
   public:
    StatusOr<ReadResult> Read(const ReadRequest& request, Output&) override {
      return ReadResult{request.start, 0, 0, ReadResult::Next::kIdle};
    }
    StatusOr<Availability> Poll(const Position&) override { return Availability{}; }
  };
  const SchemaRef schema_ =
      std::make_shared<const Schema>(*Schema::Make(Fields(kNumber).Describe()));
};

SpoutDriver::Spec SpecOf(const std::shared_ptr<KeepingSpout>& spout) {
  SpoutDriver::Spec spec;
  spec.spout = spout;
  spec.sources = std::make_shared<const SourceShare>(SourceShare::InTurn({"p"}, {0}));
  return spec;
}
std::unique_ptr<SpoutDriver> DriverOf(const std::shared_ptr<KeepingSpout>& spout, WakeUp wake_up) {
  auto driver = std::make_unique<SpoutDriver>(SpecOf(spout), nullptr, std::move(wake_up));
  EXPECT_TRUE(driver->Open().ok());
  return driver;
}

TEST(SpoutDriverTest, AWakeUpThatASpoutKeepsDoesNothingOnceTheDriverIsGone) {
  auto spout = std::make_shared<KeepingSpout>();
  int woken = 0;
  auto driver = DriverOf(spout, [&] { ++woken; });
  spout->wake_up();
  EXPECT_EQ(woken, 1);
  driver = nullptr;
  spout->wake_up();
  EXPECT_EQ(woken, 1);
}

// What the wake-up reaches, an executor, ends right behind the driver.
TEST(SpoutDriverTest, ADriverDoesNotEndWhileItsSpoutWakesItUp) {
  for (int round = 0; round < 200; ++round) {
    auto spout = std::make_shared<KeepingSpout>();
    std::atomic<bool> inside = false;
    auto executor = std::make_unique<int>(0);  // not atomic: tsan sees a window, and asan its end
    auto driver = DriverOf(spout, [&] {
      inside = true;
      for (int step = 0; step < 100; ++step) {
        std::this_thread::yield();
        ++*executor;
      }
    });
    std::thread ringer([&] { spout->wake_up(); });
    while (!inside) std::this_thread::yield();
    driver = nullptr;
    EXPECT_EQ(*executor, 100);
    executor = nullptr;
    ringer.join();
  }
}

TEST(SpoutDriverTest, ASpoutThatThrowsWhenItIsOpenedIsAnErrorThatNamesThePartition) {
  auto spout = std::make_shared<KeepingSpout>();
  spout->open_throws = true;
  SpoutDriver driver(SpecOf(spout), nullptr, [] {});
  const Status opened = driver.Open();
  EXPECT_EQ(opened.code(), StatusCode::kAborted);
  EXPECT_NE(Message(opened).find("\"p\""), std::string_view::npos) << opened;
  EXPECT_NE(Message(opened).find("no such luck"), std::string_view::npos) << opened;
}

}  // namespace
}  // namespace trident
