package io.gorgon.testkit;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The language model of a kit: there when it is first asked for. Thread-safe. */
final class KitModel {

  private final String name;
  private @Nullable FakeLanguageModel model;

  /** For the kit of that pool. */
  KitModel(String pool) {
    this.name = "gorgon-" + pool + "-model";
  }

  synchronized FakeLanguageModel get() {
    if (model == null) {
      model = FakeLanguageModel.named(name);
    }
    return model;
  }

  /** Ends it, if it is there; what was left over. */
  synchronized List<Leak> end() {
    return model == null ? List.of() : model.end();
  }
}
