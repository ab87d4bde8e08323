package io.gorgon.testkit;

import io.gorgon.testkit.Fault.BadAnswer;
import io.gorgon.testkit.Fault.Hang;

/** What the worker suffers that a certain call is sent to, when it has that call; once. */
public final class WorkerOfPhrase {

  private final String of;
  private final boolean target;

  /**
   * Of one call.
   *
   * @param of the name of a call in the scenario, or a target
   */
  WorkerOfPhrase(String of, boolean target) {
    this.of = of;
    this.target = target;
  }

  private Step suffers(Fault fault) {
    return target ? new Step.SpoilNext(of, fault) : new Step.Spoil(of, fault);
  }

  /** It is killed at that point. */
  public Step isKilledAt(Point point) {
    return suffers(new Fault.Killed(point));
  }

  /** It is killed while it runs the call. */
  public Step isKilled() {
    return isKilledAt(Point.RUNNING);
  }

  /** It is killed at a point that the scenario's seed decides. */
  public Step isKilledSomewhere() {
    return new Step.SpoilSomewhere(this);
  }

  /** It is stopped by SIGSTOP. */
  public Step isStopped() {
    return suffers(Hang.STOPPED);
  }

  /** It hangs in Python code, which a cancel ends. */
  public Step hangsInPython() {
    return suffers(Hang.IN_PYTHON);
  }

  /** It hangs in C code, which only a kill ends. */
  public Step hangsInC() {
    return suffers(Hang.IN_C);
  }

  /** It hangs, and ignores interrupts and SIGTERM. */
  public Step ignoresSignals() {
    return suffers(Hang.STUBBORN);
  }

  /** It sends bytes that are no frame. */
  public Step answersGarbage() {
    return suffers(BadAnswer.GARBAGE);
  }

  /** It sends a frame that claims to be of 4 GiB. */
  public Step answersTooMuch() {
    return suffers(BadAnswer.OVERSIZE);
  }

  /** It sends half of the answer, and then nothing more. */
  public Step answersHalf() {
    return suffers(BadAnswer.HALF);
  }

  /** It answers a call that never was, and not this one. */
  public Step answersAnother() {
    return suffers(BadAnswer.WRONG);
  }

  /** It answers twice. */
  public Step answersTwice() {
    return suffers(BadAnswer.TWICE);
  }

  /** It runs the function, and answers nothing. */
  public Step answersNothing() {
    return suffers(BadAnswer.NONE);
  }

  /** It writes so many megabytes to stderr first. */
  public Step floodsItsOutput(int megabytes) {
    return suffers(new Fault.Flood(megabytes));
  }

  /** It takes so many mebibytes of memory first, and keeps them. */
  public Step growsBy(int mebibytes) {
    return suffers(new Fault.Growth(mebibytes));
  }
}
