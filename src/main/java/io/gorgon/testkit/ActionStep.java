package io.gorgon.testkit;

import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;

/**
 * The code that is tested does something, and a stage tells what came of it. Immutable.
 *
 * @param name what the scenario calls it
 * @param text what it is, in words
 * @param action does it
 */
public record ActionStep(String name, String text, Supplier<? extends CompletionStage<?>> action)
    implements Step {

  /** Names it, for what follows. */
  public ActionStep as(String other) {
    return new ActionStep(other, text, action);
  }

  @Override
  public void play(Play play) {
    play.act(this);
  }

  @Override
  public String toString() {
    return text + (name.equals(text) ? "" : ", as '" + name + "'");
  }
}
