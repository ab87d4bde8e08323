package io.gorgon.testkit;

import java.time.Duration;

/** What befalls the store that the pool's sessions are kept in. */
public final class StorePhrase {

  StorePhrase() {}

  /** It is away from now on: calls of sessions fail with {@code StoreUnavailable}. */
  public Step isAway() {
    return new StoreStep.Befalls("is away", FaultyStore::goesAway);
  }

  /** It is there again, as it was before all that befell it. */
  public Step isBack() {
    return new StoreStep.Befalls("is back", FaultyStore::comesBack);
  }

  /** From now on it begins so much later with each question. */
  public Step isSlow(Duration by) {
    return new StoreStep.Befalls(
        "is slow by " + by.toMillis() + " ms", store -> store.isSlowBy(by));
  }

  /**
   * The quota is reached: a call of a session that has no state fails with {@code SessionQuota}.
   */
  public Step isFull() {
    return new StoreStep.Fills();
  }
}
