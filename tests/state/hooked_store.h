// SPDX-License-Identifier: Apache-2.0
//
// A MemoryStore that lets a test do other things at the moments when a real disk would be busy.
#ifndef TRIDENT_TESTS_STATE_HOOKED_STORE_H_
#define TRIDENT_TESTS_STATE_HOOKED_STORE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "state/disk/memory_store.h"

namespace trident {

class HookedStore : public DurableStore {
 public:
  using Hook = std::function<void()>;

  // Called on the thread that makes the call into the store. Null: none.
  void SetHook(Hook hook) { hook_ = std::move(hook); }
  // Of MultiGet, so far; and how many walks began.
  uint64_t keys_looked_up() const { return keys_looked_up_; }
  uint64_t cursors() const { return cursors_; }
  // What the next read in a view ends with.
  void FailNextView(Status error) { view_error_ = std::move(error); }

  Status Write(const WriteSet& changes, Durability durability) override {
    return store_.Write(changes, durability);
  }
  StatusOr<std::optional<std::string>> Get(Table table, std::string_view key) const override {
    return store_.Get(table, key);
  }
  Status MultiGet(Table table, std::span<const std::string_view> keys,
                  const std::function<void(size_t, std::string_view)>& found) const override {
    keys_looked_up_ += keys.size();
    Call();
    Status read = store_.MultiGet(table, keys, found);
    Call();
    return read;
  }
  using DurableStore::NewCursor;
  std::unique_ptr<Cursor> NewCursor(Table table, const CursorOptions& options) const override {
    ++cursors_;
    Call();
    auto cursor = store_.NewCursor(table, options);
    Call();
    return cursor;
  }
  StatusOr<std::unique_ptr<BulkLoad>> NewBulkLoad(Table table) override {
    TRIDENT_ASSIGN_OR_RETURN(auto load, store_.NewBulkLoad(table));
    return std::make_unique<Load>(*this, std::move(load));
  }
  std::unique_ptr<const BaseView> NewBaseView() const override {
    return std::make_unique<View>(*this, store_.NewBaseView());
  }
  void SetCondense(std::shared_ptr<const Condense> condense) override {
    store_.SetCondense(std::move(condense));
  }
  std::string Where() const override { return store_.Where(); }
  Status Health() const override { return store_.Health(); }
  uint64_t MemoryBytes() const override { return store_.MemoryBytes(); }

 private:
  class Load : public BulkLoad {
   public:
    Load(HookedStore& store, std::unique_ptr<BulkLoad> load)
        : store_(store), load_(std::move(load)) {}
    Status Put(std::string_view key, std::string_view value) override {
      return load_->Put(key, value);
    }
    Status Delete(std::string_view key) override { return load_->Delete(key); }
    Status Append(std::string_view key, std::string_view bytes) override {
      return load_->Append(key, bytes);
    }
    uint64_t bytes() const override { return load_->bytes(); }
    Status Install() override {
      store_.Call();
      Status installed = load_->Install();
      store_.Call();
      return installed;
    }

   private:
    HookedStore& store_;
    const std::unique_ptr<BulkLoad> load_;
  };
  class View : public BaseView {
   public:
    View(const HookedStore& store, std::unique_ptr<const BaseView> view)
        : store_(store), view_(std::move(view)) {}
    Status MultiGet(std::span<const std::string_view> keys,
                    const std::function<void(size_t, std::string_view)>& found) const override {
      store_.Call();
      const Status error = std::exchange(store_.view_error_, {});
      return error.ok() ? view_->MultiGet(keys, found) : error;
    }
    std::unique_ptr<Cursor> NewCursor(const CursorOptions& options) const override {
      store_.Call();
      return view_->NewCursor(options);
    }

   private:
    const HookedStore& store_;
    const std::unique_ptr<const BaseView> view_;
  };

  void Call() const {
    if (hook_ != nullptr) hook_();
  }

  MemoryStore store_;
  Hook hook_;
  mutable Status view_error_;
  mutable uint64_t keys_looked_up_ = 0;
  mutable uint64_t cursors_ = 0;
};

}  // namespace trident

#endif  // TRIDENT_TESTS_STATE_HOOKED_STORE_H_
