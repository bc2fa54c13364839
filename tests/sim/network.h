// SPDX-License-Identifier: Apache-2.0
//
// SimNetwork: between executors. Frames wait here until the simulation delivers them: late, out of
// order, twice, damaged, or never.
#ifndef TRIDENT_TESTS_SIM_NETWORK_H_
#define TRIDENT_TESTS_SIM_NETWORK_H_

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "engine/frames/slice_payload.h"
#include "engine/transport/transport.h"
#include "tests/sim/trial.h"

namespace trident::sim {

class SimNetwork final : public Transport {
 public:
  using Deliver = std::function<void(DataMessage)>;
  explicit SimNetwork(Trial& trial) : trial_(trial) {}
  void Connect(Deliver deliver) { deliver_ = std::move(deliver); }

  // Each executor of the simulated process counts as a process of its own.
  std::optional<WorkerId> FarWorkerOf(const TaskAddress& to) const override {
    if (!trial_.options.far) return std::nullopt;
    return WorkerId(to.task % trial_.options.run.executors);
  }
  void Send(DataMessage message) override {
    if (trial_.Strikes(trial_.options.lost)) return;
    if (auto* frame = std::get_if<DataFrame>(&message); frame != nullptr && trial_.options.far) {
      if (!Arrive(*frame)) return;
    }
    if (trial_.Disturbs(trial_.options.repeated)) Queue(message);
    Queue(std::move(message));
  }

  // Delivers one of those whose time has come, in any order. False: there is none.
  bool RunOnce() {
    std::vector<size_t> due;
    for (size_t i = 0; i < waiting_.size(); ++i) {
      if (waiting_[i].at <= trial_.clock.MonotonicNanos()) due.push_back(i);
    }
    if (due.empty()) return false;
    const size_t chosen = due[trial_.rng.Below(due.size())];
    DataMessage message = std::move(waiting_[chosen].message);
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(chosen));
    deliver_(std::move(message));
    return true;
  }

  std::optional<Nanos> NextDelivery() const {
    std::optional<Nanos> next;
    for (const Waiting& waiting : waiting_) next = std::min(next.value_or(waiting.at), waiting.at);
    return next;
  }

 private:
  struct Waiting {
    Nanos at;
    DataMessage message;
  };
  // Makes of the frame what comes out at the other end of the link. False: nothing comes.
  bool Arrive(DataFrame& frame) {
    const auto& payload = static_cast<const FramePayload&>(*frame.payload);
    auto bytes = std::make_shared<std::string>(payload.frame()->bytes());
    if (trial_.Strikes(trial_.options.damaged)) {
      (*bytes)[trial_.rng.Below(bytes->size())] ^= static_cast<char>(1 + trial_.rng.Below(255));
    }
    const std::string_view view = *bytes;
    const auto arrived = EncodedFrame::Parse(view, std::move(bytes));
    if (!arrived.ok() || (*arrived)->rows() != payload.frame()->rows()) return false;
    frame.payload = std::make_shared<FramePayload>(*arrived, payload.first(), payload.rows());
    return true;
  }
  void Queue(DataMessage message) {
    Nanos at = trial_.clock.MonotonicNanos();
    if (trial_.Disturbs(trial_.options.late)) {
      at += static_cast<Nanos>(trial_.rng.Below(20 * kMillisecond));
    }
    waiting_.push_back({at, std::move(message)});
  }

  Trial& trial_;
  Deliver deliver_;
  std::vector<Waiting> waiting_;
};

}  // namespace trident::sim

#endif  // TRIDENT_TESTS_SIM_NETWORK_H_
