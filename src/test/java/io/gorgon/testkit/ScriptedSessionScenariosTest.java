package io.gorgon.testkit;

/** The scenarios of sessions without an interpreter. */
class ScriptedSessionScenariosTest extends SessionScenarioTexts {

  @Override
  GorgonTestKit kit(String... settings) {
    return GorgonTestKit.scripted(settings);
  }
}
