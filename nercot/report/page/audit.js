// Verdicts of people; nothing where the page is only to look at.
const verdictMark = () => null;
const verdictCode = () => 0;
const verdictPanel = () => null;
