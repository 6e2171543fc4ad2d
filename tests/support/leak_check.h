// gst-wav2lip tests: fails a test that leaves GStreamer objects behind, by asking the "leaks"
// tracer in the same process (GST_TRACERS=leaks, which Meson sets for every test).
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <map>
#include <memory>
#include <string>
#include <thread>

namespace w2l::test {

// Objects that live on after the guarded scope, but did not exist before it, are leaks. gst-check
// suites guard every test with tcase_add_checked_fixture(tc, start_leak_check, finish_leak_check).
class LeakCheck {
 public:
  LeakCheck() : before_(live_objects()) {}
  ~LeakCheck() {
    // A thread of GStreamer's pool drops its task a moment after the task has been joined.
    const gint64 limit = g_get_monotonic_time() + kPatience;
    Objects left = new_objects();
    while (!left.empty() && g_get_monotonic_time() < limit) {
      std::this_thread::yield();
      left = new_objects();
    }
    for (const auto &[address, type] : left)
      g_error("a %s at %p was leaked", type.c_str(), address);
  }
  LeakCheck(const LeakCheck &) = delete;
  LeakCheck &operator=(const LeakCheck &) = delete;

  static bool active() { return find_tracer(nullptr); }

 private:
  using Objects = std::map<gpointer, std::string>;
  static constexpr gint64 kPatience = 5 * G_USEC_PER_SEC;

  // True when the tracer runs; emits its signal into `live` if that is given.
  static bool find_tracer(GstStructure **live) {
    GList *tracers = gst_tracing_get_active_tracers();
    bool found = false;
    for (GList *item = tracers; item; item = item->next) {
      if (std::string("GstLeaksTracer") != G_OBJECT_TYPE_NAME(item->data)) continue;
      found = true;
      if (live) g_signal_emit_by_name(item->data, "get-live-objects", live);
    }
    g_list_free_full(tracers, gst_object_unref);
    return found;
  }

  Objects new_objects() const {
    Objects objects = live_objects();
    for (const auto &known : before_) objects.erase(known.first);
    return objects;
  }

  static Objects live_objects() {
    Objects objects;
    GstStructure *live = nullptr;
    if (!find_tracer(&live) || !live) return objects;
    const GValue *list = gst_structure_get_value(live, "live-objects-list");
    for (guint i = 0; list && i < gst_value_list_get_size(list); i++) {
      const GstStructure *entry = gst_value_get_structure(gst_value_list_get_value(list, i));
      const GValue *object = gst_structure_get_value(entry, "object");
      gpointer address =
          G_VALUE_HOLDS_OBJECT(object) ? g_value_get_object(object) : g_value_get_boxed(object);
      objects[address] = G_VALUE_TYPE_NAME(object);
    }
    gst_structure_free(live);
    return objects;
  }

  Objects before_;
};

// gst-check runs both in the process of each test.
inline std::unique_ptr<LeakCheck> &current_leak_check() {
  static std::unique_ptr<LeakCheck> check;
  return check;
}
inline void start_leak_check() {
  current_leak_check() = std::make_unique<LeakCheck>();
}
inline void finish_leak_check() {
  current_leak_check().reset();
}

}  // namespace w2l::test
