// SPDX-License-Identifier: Apache-2.0
//
// LocalControl: what the administration service shows and does of a topology in this process.
#ifndef TRIDENT_TRIDENT_RUN_LOCAL_CONTROL_H_
#define TRIDENT_TRIDENT_RUN_LOCAL_CONTROL_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "coordinator/batch_coordinator.h"
#include "coordinator/serve/topology_control.h"
#include "engine/spout.h"
#include "state/disk/durable_store.h"
#include "state/state_store.h"
#include "trident/run/parts/letter_desk.h"
#include "trident/run/parts/process_facts.h"

namespace trident {

// Thread-safe; everything it is given must outlive it.
class LocalControl final : public TopologyControl {
 public:
  struct Parts {
    std::string topology;
    std::string explain_text;
    std::string explain_dot;
    Epoch epoch;
    int32_t max_pending = 0;
    Nanos batch_age = 0;
    BatchCoordinator* coordinator = nullptr;
    StateStore* states = nullptr;
    const LetterDesk* letters = nullptr;
    DurableStore* store = nullptr;
    // Thread-safe.
    std::function<Lag(GroupId)> lag_of;
    std::function<SpoutCounts(GroupId)> counts_of;
    WorkerView about;  // what does not change of this process
    ProcessFacts* facts = nullptr;
  };
  explicit LocalControl(Parts parts) : parts_(std::move(parts)) {}

  std::string topology() const override { return parts_.topology; }
  StatusOr<TopologyView> View() const override;
  std::vector<WorkerView> Workers() const override;
  StatusOr<std::string> Explain(ExplainFormat format) const override;
  Status Pause() override;
  Status Resume() override;
  std::string Metrics() const override;
  StatusOr<BackupFiles> NewBackup() override;
  std::vector<LetterStanding> DoWithLetters(LetterAction action,
                                            const std::vector<LetterName>& letters) override;

 private:
  BatchGroupView ViewOf(GroupId group) const;

  const Parts parts_;
};

}  // namespace trident

#endif  // TRIDENT_TRIDENT_RUN_LOCAL_CONTROL_H_
