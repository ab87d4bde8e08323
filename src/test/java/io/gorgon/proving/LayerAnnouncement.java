package io.gorgon.proving;

import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestPlan;

/** Says at the start of a run which layer it has. */
public final class LayerAnnouncement implements TestExecutionListener {

  @Override
  public void testPlanExecutionStarted(TestPlan plan) {
    System.out.println("[tests] " + TestMachine.CURRENT);
  }
}
