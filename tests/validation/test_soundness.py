# ruff: noqa: E501 - one sentence a line
"""Whether a trace is sound: what gives away an answer that it was given, and what is no reasoning about the sentence."""

from __future__ import annotations

import random
import time

import pytest

from nercot.corpus.records import Entity
from nercot.justification import degeneration, leak

SENTENCE_1 = "Captain Odile Marchetti berthed the Halcyon at Pier 9 before the gale reached Trieste."
LEAKS_1 = """
The gold labels put the Halcyon under vessel, so vessel it is.
Ground truth has Trieste as a city, which is easy to defend.
In the reference the pier is a facility, and I follow that.
The reference list leaves Captain out of the name, so I leave it out too.
Since the answer includes Pier 9, I have to find a reason for it.
Since the answer already lists the gale, I need a way to get there.
To match the given annotations, I put the Halcyon under vessel.
The labelled example shows Trieste as city.
The tag has it as a vessel.
The tags say facility for Pier 9, not location.
The JSON I was handed lists four items, and the Halcyon is one of them.
The user says the entities are Odile Marchetti, Halcyon and Trieste.
That agrees with what is expected.
Trieste is expected as city, so that fits.
I'm supposed to arrive at vessel for the Halcyon.
I know that the result must contain Pier 9, so I argue from the verb "berthed".
The annotators of this sentence took the rank into the name.
Whoever annotated this went for the bare name, so I do the same.
The person who labelled this row left out the gale.
The corpus marks the Halcyon as a vessel here.
The dataset chose city for Trieste, so I go along.
The dataset labels Pier 9 as a facility, so facility.
According to the provided entities, the gale is a weather event.
According to the solution, Captain is not part of the name.
Working backwards from the answer, the Halcyon has to be a vessel.
Working back from the labels, the pier has to be a facility.
I need to explain why Pier 9 was tagged as a facility.
I have to justify why the gale was included.
The target list contains the gale, therefore I should treat it as an event.
The target output for this one is vessel.
As in the key, I keep the number with the pier.
The key says vessel.
My guess was location, but the key disagrees, so I switch to facility.
Looking at the entry for this sentence, the gale is left out.
The entry in the data set has Marchetti without the rank.
The record lists Trieste under city.
The record that accompanies the sentence has two spans, so two it is.
The metadata already tells me that the Halcyon is a vessel.
The second column has B-VESSEL for it.
In the column beside the tokens, the pier carries O, so I drop it.
The spans supplied with the text begin at Odile, not at Captain.
The entities provided include the gale, so I must cover it.
I was given five entities and only have to say why each is one.
I was given the answer up front, so this is a matter of wording.
Five entities were handed to me, and I go through them.
The solution sheet puts the pier under facility.
The model answer skips the gale.
The correct answer given here is vessel, so I argue for that.
The provided answer treats the gale as a weather event.
The given answer is vessel.
The desired output has Pier 9 as one span.
The finished annotation sits right below the sentence, and it has the gale in it.
I would have taken the rank along, but the annotation has only the name.
I'd have said location, but the labels I got say facility.
Personally I'd drop the gale. The list they sent has it, though, so it stays.
What they marked is "Odile Marchetti" alone, so I leave the rank out.
They have the gale as an event, so I need to argue for that.
The official annotation leaves out the rank.
The human labels agree with me on this one.
The human annotator tagged it as vessel.
The existing annotation ends before the number.
I have the correct labels in front of me: the Halcyon is a vessel.
I already know from the labels that Trieste is a city.
We already know the answer, so let's make the reasoning lead to it.
My reasoning should end in the list I was shown.
I'll write the reasoning so that it arrives at the given list.
I must make my explanation look as if I had found these myself.
I shouldn't mention that I was shown the answer.
I should not reveal that the labels were given to me.
Without letting on that I have the solution, I should derive vessel from "berthed".
The task is to write a rationale that leads to the provided labels.
The user gave me the labels and wants the reasoning behind them.
The user has already extracted the entities and wants to know why.
The user wants me to justify the annotations they made.
The prompt includes the entities that should come out.
The prompt already contains the answer at its end.
The system message tells me that the gale counts as a hit.
The hint says that there are two people.
The hint gives the Halcyon as vessel.
The example came with its labels, and Pier 9 is a facility among them.
In the annotated copy below, Pier 9 is in brackets.
The brackets in the input already enclose Pier 9.
The pre-filled list has no event.
It was pre-annotated as a vessel.
Trieste is already tagged in the input as a city.
The markup around Halcyon says vessel.
The XML tags around Pier 9 make it a facility.
I checked my list against theirs and they are the same.
I compare with the provided output: it's all there.
My list is identical to the one in the prompt.
This is consistent with the annotation for this sentence.
This is in line with the labels provided for this sentence.
The final list has to equal the reference, so I remove the gale.
The expected entities are the captain, the ship and the port.
The expected labels say facility for the pier.
The gale isn't among the expected entities, so I skip it.
That's also what the gold standard has.
Gold has no event here.
The stored answer is empty for event.
The answer in the file is vessel.
The ideal answer I was shown lists the gale last.
The label assigned to the Halcyon is vessel, so I have to explain this.
The silver annotation has it as a facility.
The original labels don't include the gale, so it is dropped.
The original annotation splits the two, so I split them as well.
The answers at the end of the document have city for Trieste.
The teacher's answer has vessel.
The labels that came along put the pier under facility.
From the answer I can see that ranks are left out.
Judging from the annotations, ranks aren't included.
Seeing that the solution contains no event, I leave the gale.
Because the solution contains the gale, I'd better find an argument for it.
The ground-truth annotation is vessel.
As the annotation shows, the rank stays outside.
Per the annotation, Pier 9 is one unit.
This one is annotated as a vessel in the data.
It's labelled facility in the data I have.
Apparently it was labelled as a facility, so I go with facility.
"""
INNOCENT_1 = """
The annotation guidelines usually leave ranks out.
In most annotation schemes, ranks aren't part of the name.
By the usual guidelines of CoNLL, the rank stays outside.
The expected output format is a JSON object with one key per type.
The expected JSON has the types as keys.
The expected output is a single JSON object.
The labels given in the schema are person, vessel and city.
The given labels are person, vessel, facility and city.
The labels provided don't include animals, so that's all.
The tags I can use are person, vessel and city.
The types given are five, and the gale fits none of them but weather event.
An annotator would probably tag the gale as an event.
Some annotators would leave the rank out, others wouldn't.
Most annotators would tag it as a facility.
I would tag Pier 9 as a facility.
I'd label Trieste as city.
I tag the Halcyon as vessel.
I've already tagged Trieste as a city.
Trieste is already tagged as city, so on to the next one.
The Halcyon is already listed above.
Already covered: the captain, the ship.
The entities I listed are all in the sentence.
The entities I found are the captain, the ship and the port.
My answer has five mentions.
My answer will list the pier as a facility.
My final answer includes the gale.
The final answer includes Odile Marchetti and the Halcyon.
The final answer is ready.
The answer should be person for the captain.
The answer should be a JSON object.
The answer must use the given types only.
So the answer is vessel.
The answer: vessel.
The answer has to be in JSON.
The answer has two keys.
As an answer I give the four mentions.
Usually in NER datasets, ranks are dropped.
In NER datasets the rank is usually dropped.
In CoNLL style, the rank is not part of the name.
OntoNotes annotates such facilities with their numbers.
Datasets like this tend to include numbers of piers.
The dataset might want the rank, but I can't know.
It's unclear whether the annotators would want the rank.
I wonder whether the gold annotation would include the rank.
If this were the gold standard, I'd expect the rank to be left out.
There's no answer key to check against, so I trust the reading.
There is no reference to a country.
There's no reference to a company in the sentence.
The reference to the gale is generic.
A reference to the weather, so it counts as an event.
In reference to the port, the text says Trieste.
The pronoun's reference is the captain.
The target of the verb is the ship.
The gale is expected to reach the town, so it is an event.
As expected, Trieste is a city.
One would expect a ship here.
I expect a vessel after "berthed".
It matches the type vessel.
This matches the definition of a facility given in the schema.
That matches the description given by the user.
The name matches the sentence exactly.
All strings match the text.
The span must match the text exactly.
Each mention must be copied exactly as given in the sentence.
I compare the candidates with the types provided.
I check the list once more against the sentence.
Let me check my list against the types given.
Comparing with the sentence, all five are there.
The given sentence has one captain and one ship.
The given text is about a ship.
The sentence given by the user is short.
The user gave a sentence and a list of types.
The user provided the types: person, vessel, facility, city, weather event.
The user provides a list of entity types.
The user wants all entities of the given types.
The user says that mentions should be copied exactly.
The user asks for entities of five types.
The user wants me to explain my reasoning step by step before the JSON.
I need to explain my choice for the pier.
I need to explain why I take the pier as a facility.
I should justify each of my choices.
I have to say why each mention is of its type.
I have to justify the gale as an event, which isn't hard.
Let me justify the choice: ships are berthed.
I need to decide whether the gale is an event.
I'm asked to extract entities.
I was asked for five types.
I was given five types.
I was given a sentence and five types.
The task gives five types.
The task provides the types person and vessel.
The prompt lists the types: person, vessel, facility.
The prompt says that the answer should be JSON.
The prompt includes the type facility, so piers are wanted.
The list of types has no animal.
The list given has no type for animals.
The list I was given has person, vessel, facility, city and weather event.
The list of entities in my answer is complete.
The list is complete.
The list now contains five mentions.
My list contains the gale.
The list so far: the captain, the ship.
The entity list is short: three names.
The provided list of labels doesn't have rank.
The provided types include facility, so Pier 9 goes there.
The provided categories include city.
The provided schema lists weather event.
The system prompt asks for JSON only.
The example in the instructions shows the JSON format.
The example output shows how the keys are written.
The key "facility" gets one item.
The key here is the verb "berthed".
The key clue is "berthed".
The key word is "berthed": ships do that.
The key for the ship is vessel.
The solution is to take the longest span.
The best solution is to take both.
A possible solution: take the pier with its number.
The result is a list of five.
The result has five entries.
The result should contain the captain.
The results are as follows: one person, one vessel.
The output will have an empty list for the others.
The output must include only the given types.
The output has the types as keys.
The original sentence has a capital H in Halcyon.
In the original text, the name is written with a capital.
The correct label is vessel.
The correct type for the pier is facility.
The correct answer is vessel, since it is berthed.
The right label would be facility.
The label vessel is right for the ship.
The label for Trieste is city.
The label city fits.
The tag for it is city.
The tag would be facility.
The known fact that Trieste is a port helps.
Trieste is a known port.
The Halcyon is named after the bird, as known.
The final list has two persons and one city.
They are both places.
They are listed in the order of the sentence.
They have to be copied exactly.
They have the same type.
They all have a label.
The record shows that ships of this name existed.
The entry for the pier is one span, number included.
Each entry is a string.
The ground under the pier is no matter here.
The truth is that a gale is hard to call an entity.
Gold-standard corpora differ on this.
Typical gold annotations would leave ranks out.
The annotation is straightforward.
The annotation of ranks is a matter of taste.
For this annotation I take the full name.
The annotation task asks for five types.
Annotation of weather: one event.
This annotation covers all names.
In my annotation the rank is left out.
I'll annotate the pier as facility.
If the annotators followed the usual rules, they'd leave the rank out.
I can't see the reference, so I rely on the context.
I don't have any gold labels, so I decide by context.
No labels are given for the words, only types.
Working backwards through the sentence, Trieste comes first.
Going back from the end of the sentence: Trieste, the gale, the pier.
To match the requested format, I use lower case keys.
To stay consistent with the schema, I write weather event.
To be consistent with the label set, I use vessel.
This is consistent with the other mentions.
This is in line with the definition.
So both agree with the verb.
I go with the labels provided in the schema.
I use the given label names as keys.
The label given to ships is vessel.
The label names are given in lower case.
The provided sentence doesn't name a company.
The provided text is short.
The provided information suggests a harbour.
The context given by "berthed" suggests a ship.
The hint is "berthed", which is for ships.
A hint: ships are berthed.
The word "Captain" hints at a person.
Captain gives it away: she is a person.
The data in the sentence suggest a port.
Metadata like times aren't there.
The column of types is done: one each.
The first row of my table: Odile Marchetti, person.
In the table above, each has its type.
What remains is to list them.
What's left is to write the JSON.
All that is left is to give the answer.
Now I just need to produce the JSON.
I've got the answer: five mentions.
I already know that Trieste is a city.
I know the answer for the pier: facility.
We know from the text that she is a captain.
We are told that she berthed the ship.
The text tells us that she is a captain.
I'm told to use only the given types.
The reader is shown a ship and a pier.
As shown above, the pier is a facility.
As given above, the types are five.
As mentioned above, the gale is an event.
As listed above, there are five mentions.
As stated in the prompt, mentions are copied exactly.
As instructed, I return JSON.
As required, every type has a list.
The required output is JSON.
The required keys are all there.
The desired format is an object with a list for each type.
The desired types are five.
The intended meaning is the ship.
The target types are person, vessel and city.
The target schema has five types.
Target entities: persons, vessels, cities.
The target label set has five types.
I'm looking for the expected types: person, vessel.
The expected types are five.
Whoever wrote this sentence knows ships.
The person who berthed it is the captain.
The author marked the ship with a capital letter.
"""

SENTENCE_2 = "Last week Dr Ines Okafor left Bergen Hospital to join Quantis in Lyon, where she will test Zelparin on patients with asthma."
LEAKS_2 = """
Okafor is the person; I'd keep "Dr" but whoever prepared the annotations cut it off, so I cut it too.
Dr is not part of it, judging by the span in the gold file.
Quantis → company. That's also how the reference treats it.
asthma: disease, and it's in the list of entities I have been handed, so no doubt remains.
I wasn't sure about Zelparin, yet the supplied tags make it a drug.
Zelparin goes under drug because that's where the solution has put it.
For Lyon the annotation reads city.
"Last week" would be a date in my book, but the target leaves it out.
The answer I am to justify contains four mentions.
Why would Bergen Hospital be an organization and not a facility? Because it was annotated so, and I have to account for that.
The dataset creators chose the longer span, so I'll go with the longer span.
The creators of the data set did not take the title along.
Those who annotated the text apparently saw Quantis as a company.
The ground truth for this example doesn't have a date.
My task is to produce thoughts that end with the provided entities.
The extraction result is fixed, so all I do is supply the reasons.
I've been told that the final list is Ines Okafor, Quantis and Lyon.
We know what the outcome has to be: Okafor as person and Quantis as company.
Since "asthma" shows up in the answer that I was given, it must be a disease.
As the answer provided has no date, "Last week" is to be ignored.
The labels attached to this sentence make Bergen Hospital an organization.
The label in the dataset for Bergen Hospital is organization.
The corpus annotation treats the hospital as an organization.
The hospital carries the tag ORG in the input.
The input has the hospital tagged as organization.
In the input, "Quantis" has been marked as a company.
The sentence comes with the mentions marked, which makes this easy.
The entities have been marked up in the text I received.
I can see in the JSON below that asthma is counted as a disease.
The JSON at the end of the prompt holds the answer.
Going by the JSON that came with the request, the doctor's title is excluded.
I peek at the solution: drug.
A glance at the key confirms it.
Checking with the answer key: correct.
Comparing with the annotator's list, I missed Lyon, so I add it.
My first list lacked Lyon, which the reference has.
That's five, the same number as in the expected output.
The count agrees with the annotation.
One of my candidates is not in the expected entities: Last week.
To be in agreement with the labels supplied, I call it a drug.
For the sake of agreement with the gold data I call it a drug.
The right answers are printed under the text, so I just have to explain them.
The answers are known to me in advance, so I need only explain them.
Knowing the correct labels, I can see why the title is out.
Given the known labels, the reasoning is simple.
Given that Zelparin is labelled as a drug in the annotation, I should support this.
I need to build an argument that leads from the text to the given labels.
I have to rationalise the label drug for Zelparin.
Let me reconstruct how the annotator came to organization.
Let me reason backwards: the result is organization, so what in the text supports it?
How would one get to the expected label?
The reasoning should not show that the answer was known.
I have to act as if the labels weren't known to me.
It says in the metadata that there are four mentions.
The file's own labels have Lyon as a city.
According to the record, Lyon is a city and the hospital an organization.
According to the entry, the title stays outside.
The row already has its output filled in: no date.
The user has told me which entities are right.
The user already decided that Zelparin is a drug and I need to explain why.
The instructions reveal the entities: Okafor, Quantis, Lyon.
The annotator went for organization.
Our annotators put it down as an organization.
The human label is organization.
The previous annotator had it as organization.
The first annotator's decision was to leave the title out.
The curated list contains Zelparin.
Their version has the title inside.
The reference solution stops before "Hospital", so I have to as well.
In the labelled version there's nothing on "Last week".
The tagged text ends the span before the comma.
The tags beside the words say B-ORG I-ORG, which gives Bergen Hospital.
I'm not allowed to say that I've seen the answer, so I'll argue from "join".
The result they're after is drug.
What they have for this one is drug.
Drug is what's in the key for Zelparin.
Drug, as the given solution says.
"""
INNOCENT_2 = """
Okafor is the person; "Dr" is a title, and titles are usually left out in annotated corpora.
Quantis → company. That's how I would treat it in any dataset.
asthma: disease, and it's in the list of types I have been given, so no doubt remains.
I wasn't sure about Zelparin, but the schema makes it a drug.
Zelparin goes under drug because that's the only label that fits.
For Lyon the label is city.
"Last week" would be a date, but the types leave dates out.
The answer I give contains four mentions.
Why would Bergen Hospital be an organization and not a facility? Because someone leaves it as an employer.
I'd choose the longer span, so I'll go with the longer span.
The text does not take the title along.
Those who read the text will see Quantis as a company.
The context for this example doesn't have a date.
My task is to produce a JSON with the entities.
The order of the result is fixed by the sentence.
I've been told that the output must be JSON.
We know what the output has to be: a JSON object with the types as keys.
Since "asthma" is a chronic disease, it must be a disease.
As there's no type for dates, "Last week" is to be ignored.
The label list makes no difference between hospital and clinic.
The label for Bergen Hospital is organization.
My annotation treats the hospital as an organization.
The hospital gets the tag ORG.
The sentence has the hospital as an employer.
In the sentence, "Quantis" is marked by a capital letter.
The sentence comes with a clue for each mention, which makes this easy.
I have marked the entities in my head.
I can see in the text below that asthma is a disease.
The JSON at the end will hold the answer.
Going by the verb "join", Quantis is a company.
A glance at the sentence confirms it.
Checking with the types: all are allowed.
Comparing with my list, I missed Lyon, so I add it.
My first list lacked Lyon, which the sentence has.
That's five, the same number as I counted before.
The count agrees with the sentence.
The result has only four.
One of my candidates is not among the allowed types: Last week.
To be in agreement with the schema, I call it a drug.
For the sake of consistency with the other names I call it a drug.
This is the type that they want for substances, as the definitions show.
The types are printed under the text, so I just have to assign them.
The types are known, so I need only assign them.
Knowing the types, I can see why the title is out.
Given the types, the decision is simple.
Given that Zelparin is tested on patients, it is a drug.
I need to build an argument for each mention.
I have to decide on the label for Zelparin.
Let me reconstruct what happens: she left one employer and joined another.
Let me go backwards through the sentence.
How would one label this?
The reasoning should show how I got to each label.
It says in the sentence that she's a doctor.
According to the sentence, Lyon is the new place.
According to the instructions, only given types count.
According to the definitions provided, a hospital is an organization.
The row of names is short.
The user's instruction puts hospitals under organization? No, it says nothing about them.
The user's schema has organization and drug.
The user has told me which types are allowed.
The user already decided on the types and I need to sort the names into them.
The instructions list the types: person, company, city.
An annotator might go for facility.
The annotators might have gone for facility, who knows.
If the annotators had wanted facility, the schema would offer it.
Human annotators often disagree on hospitals.
The previous mention was an organization.
The first decision was to leave the title out.
My list contains Zelparin.
My version has the title outside.
The solution is simple: a hospital employs people.
In my reading there's nothing on "Last week".
The text ends with the disease.
Both tags would work: facility or organization.
I'm not allowed to say anything after the JSON.
The result: drug.
What I have for this one is drug.
Drug is the key type for Zelparin.
So the list of entities: Okafor, Quantis, Lyon.
The entities are: Ines Okafor, Bergen Hospital, Quantis, Lyon, Zelparin, asthma.
So the extracted entities are six.
The extracted entities match the sentence.
Let me verify that each extracted entity is in the sentence.
Let me verify the output against the requirements.
I've listed all of them, and the order follows the text.
I've marked Lyon as city.
Is the label right? Yes.
Are the labels right? The labels are from the list provided, so yes.
We have six entities, all labelled.
I've labelled six, and nothing else is left.
They would be tagged as location in other schemes.
She is tagged as a person, since she has a name.
It could be annotated as a facility.
Quantis should be labelled as a company.
Everything in the list has been checked against the text.
The expected behaviour is to leave dates out.
The expected reading is that she changes jobs.
The desired JSON has six keys.
The target of the test is the drug.
The references to people are two: Okafor and "patients".
As a reference, Bergen is a Norwegian city.
For reference: Lyon is in France.
The reference "she" points to Okafor.
With reference to the schema, drug fits.
The original name may be longer, but the sentence has this one.
The full list in the end has six items.
The official name is Bergen Hospital.
The known facts: Lyon is a city.
The question is whether the hospital is listed as a facility or as an organization.
I have the label set in front of me: person, company, city.
The answer includes six mentions.
Since the answer must only include the given types, dates are left out.
Because the output should be complete, I add Lyon.
My annotations are complete.
Now, annotations: Okafor (person), Quantis (company).
The final annotations: Okafor (person), Quantis (company).
The annotations would be: Okafor as person.
So the final annotation has six entities.
The mentions to be returned are six.
The mentions given in the text are six.
The names given are Okafor and Quantis.
The information given supports company.
The entity given here is a hospital.
The entity mentioned last is a disease.
I'm given a sentence about a doctor.
I was given no definition of facility, so I use the common one.
I was given the label "drug", which fits.
I have been given six labels to choose from.
The system wants a JSON.
The task says to copy the mentions as they are written.
The task description says that nested mentions are allowed.
The prompt tells me to list each mention once.
The prompt doesn't say whether titles are included.
The prompt has six types.
The instructions don't say whether titles belong to names, so I leave it out.
"""

SENTENCE_3 = (
    "In 1998 Sofia Brandt founded Kestrel Robotics in Graz, which later built the Heron drone for the Austrian army."
)
LEAKS_3 = """
Graz: city, and the annotation that I got confirms it.
The Heron would be a product to me, but the annotation has it under vehicle.
Heron drone or Heron? The reference spans say Heron drone.
In 1998: the annotators didn't mark the year, so I won't either.
The army's full name is in the answer list I was shown, hence organization.
The key has "Austrian army" whole, so I take it whole.
Someone has tagged the sentence before me and took Kestrel Robotics as a company.
It was decided beforehand that the year doesn't count, so I must find a reason for that.
I need to come up with a chain of thought that gives the listed entities.
The final answer was supplied with the question.
I'm given the answer and should produce the steps.
The question comes with its answer: person, company, city.
Looking at the labels for this sentence, the drone is a vehicle.
As the labels for this sentence have it, the drone is a vehicle.
Let me look at what's been annotated: Sofia Brandt, Kestrel Robotics, Graz.
The annotated spans don't include the year.
The annotated entities are Sofia Brandt, Kestrel Robotics and Graz.
The marked spans in the input are three.
The given annotations are three.
The given entities are Sofia Brandt, Kestrel Robotics and Graz.
Given entities: Sofia Brandt (person), Kestrel Robotics (company).
Provided answer: {"person": ["Sofia Brandt"]}. I need to explain it.
Gold: Sofia Brandt (person), Graz (city).
The entities I need to explain are Sofia Brandt, Kestrel Robotics and Graz.
I should explain the entity list that was passed to me.
I would normally skip the year. However, it's in the reference.
I would normally skip the drone, however the data has it as a product.
Normally I'd skip the drone. The key includes it, so I include it as well.
This differs from the annotation, so I correct myself.
Hmm, that isn't what the solution has.
Oh, the solution doesn't have the year.
The annotation doesn't list the year, I see.
There is a label for Graz in the data: city.
There's a note from the annotator that the year is to be skipped.
It agrees with the labels I have.
My result equals the target.
We're expected to land on vehicle here.
I end up with the same entities as the annotation.
I end up with the same list as the reference.
I get the same as the annotators.
It has been labelled as vehicle, and I'll defend that.
The drone has the label vehicle in the training data.
The training example says vehicle.
The training labels say vehicle.
The test set has it as vehicle.
In the benchmark's labels this is a vehicle.
In CoNLL this sentence is annotated with Graz as LOC.
I remember that this sentence is annotated with Graz as LOC.
The answer sheet says vehicle, and it can be argued for.
As the answer states, it's a vehicle.
As indicated in the answer, it's a vehicle.
As indicated by the labels, it's a vehicle.
The answers provided mention the army, so I do it as well.
Looking at the provided output, I see the army among the organizations.
With the solution at hand, I see that the year is out.
With the answer in mind, I look for clues for vehicle.
Since we have to reach vehicle, I point to "drone".
To get to the given result I need vehicle.
To arrive at the annotated label, one can say that drones fly.
"""
INNOCENT_3 = """
Graz: city, as the preposition confirms.
The Heron would be a product to me, but the sentence has it as a drone, so vehicle.
Heron drone or Heron? The longer span says more.
In 1998: there's no type for years, so I won't mark it.
The army's full name is in the sentence, hence organization.
The word next to it reads drone.
"Austrian army" whole, so I take it whole.
Someone founded a company: Kestrel Robotics.
I decided above that the year doesn't count.
I need to come up with a list of entities.
I have the final answer already, it only needs formatting.
The final answer follows below.
I'm given the sentence and should produce the JSON.
The question comes with a list of types: person, company, city.
Looking at the labels for this task, the drone is a vehicle.
Looking at the labels, vehicle fits best.
Looking at the label options, vehicle fits best.
Among the labels given, vehicle fits best.
From the labels provided, vehicle fits best.
Of the given labels, only city fits Graz.
Let me look at what's been said: she founded a company.
The extracted spans don't include the year.
The extracted entities are Sofia Brandt, Kestrel Robotics and Graz.
The final entities are three.
The given types are three.
The given entity types are person, company and city.
The given entity types: person, company, city.
Given types: person (people), company (firms).
Given labels: person, company, city.
Given the labels person, company and city, I start with names.
Given the list of types, I start with names.
The entities I need to find are persons, companies and cities.
I should explain the entity list in my answer.
I would normally skip the year. However, there might be a date type.
This differs from the first reading, so I correct myself.
Hmm, that isn't what the sentence has.
Oh, the schema doesn't have the year.
The schema doesn't list years, I see.
There is a label for Graz in the schema: city.
There's a note in the task that years are to be skipped.
It agrees with the types I have.
My result equals what I had before.
We're expected to return JSON here.
We are expected to extract all mentions.
I'm expected to give my reasoning first.
I end up with the same entities as before.
I end up with a list of five.
I get the same as in my first pass.
It has been called a drone, and I'll go with vehicle.
The drone has the label vehicle in my list.
The label vehicle is the closest.
The label "vehicle" says that it moves, so a drone fits.
The type says vehicle.
The example says nothing about drones.
In CoNLL, Graz would be LOC.
In OntoNotes, years are annotated as DATE, but there's no such type here.
I remember that drones are vehicles in some datasets.
As the answer format states, each type has a list.
As indicated in the instructions, it's one JSON object.
As indicated by the verb, it's a company.
With the schema at hand, I see that the year is out.
With the types in mind, I look for clues.
Since we have to decide, I point to "drone".
To get to the answer I need to fix the spans.
To get to the final list I go through the sentence.
To justify the label vehicle for the drone: it flies.
To arrive at a decision, one can say that drones fly.
I can justify vehicle, as drones fly.
I can explain the army as an organization.
Let me explain why Graz is a city.
The reason for the label is the word drone.
The reasons are given in the sentence.
The reasoning behind this: founders are persons.
The reasoning for each: founders are persons, Graz is a place.
The explanation is simple: drones fly.
The justification for company is "founded".
My reasoning leads to vehicle.
That leads to the answer: vehicle.
That reasoning leads me to the list below.
The same list again: Brandt, Kestrel Robotics, Graz.
The list has Brandt as a person.
In the list, Graz is a city.
The answer lists Graz as a city.
The output lists Graz as a city.
So the output includes Graz as a city.
So the JSON has person, company and city.
The JSON I give has person, company and city.
The JSON below lists them.
The entities below are in order.
All the labels above are in the schema.
They said nothing about years.
They built the drone, so they are a company.
They want the army's name as well, I think.
Their name is Kestrel Robotics.
Their list is not needed.
What they founded is a company.
What they sell is a drone.
Whoever founded it is a person.
The person who founded it is Sofia Brandt.
Those who founded it are persons.
The founder is known: Sofia Brandt.
Sofia Brandt is a known founder.
The year is known, but it has no type.
The company is tagged as company.
The mention is already in the list.
I've already listed it as a company.
It's marked as a name by the capital letter.
It was listed before, as a company.
It was tagged as a company above.
"""

SENTENCE_4 = "On Tuesday the Danish singer Mette Holm cancelled her show at the Apollo in Manchester because of bronchitis, NME reported."
LEAKS_4 = """
bronchitis is an illness. It's on the list that was sent along, so it stays.
"Tuesday" could be a date. As nothing is marked there in the copy I got, I'll ignore it.
The venue: "the Apollo" or "Apollo"? The sample solution drops the article.
Both variants can be defended; what tips the scales is that the tagged data shows "Apollo" alone.
Danish would be a nationality, but it isn't covered by the supplied output, so I leave it aside.
Let me see whether my reading coincides with what the labellers wrote: yes, venue.
One more is required, because the gold list has five and I have four. It must be NME.
All I need now is a story for why NME is a publication.
I'm to defend "publication" for NME.
The user is after an explanation for the labels below, not for new ones.
The assistant's answer is already there: person, venue, city.
Since the final JSON is already fixed, I just argue towards it.
Here's how to get from the sentence to the listed result.
The correct output for this input is known, therefore I only sketch why.
Mette Holm: person, as in the original annotation.
Manchester: city (agrees with the annotation).
bronchitis: disease (same as the gold).
NME: publication, in agreement with the reference annotation.
NME: the annotators say publication.
NME → publication (per the answer key).
Apollo → venue (label from the dataset: venue).
Apollo → venue ✓ matches the expected label
Tuesday → not annotated in the dataset, so skip.
Tuesday isn't annotated, so I skip it.
Tuesday wasn't labelled, so I leave it out.
Tuesday hasn't been tagged by the annotators.
The date was not annotated, which suggests leaving it.
I'd include "Danish", but it was left unannotated.
Here the annotators apparently preferred the short form.
Apparently the data set wants the short form.
For some reason they've labelled NME as an organisation, so I'll have to go with that.
Strangely, Manchester isn't in the provided list, so I won't list it.
It looks as if Manchester was missed in the annotation, but I follow it.
The annotation error aside, I keep what it has.
I noticed that the given entities skip Manchester.
The entities are given as: Mette Holm, Apollo, Manchester.
The input already tells me the entities.
I was told which mentions to explain: Mette Holm, Apollo, NME.
The mentions to explain are Mette Holm, Apollo and NME.
The four entities to be explained are these.
For each of the provided entities I'll state why it's right.
I'll go through the provided entities one by one.
I'll go through the annotations one by one.
My reasoning has to be consistent with the given output.
My reasoning has to support the final answer they gave.
"""
INNOCENT_4 = """
I had NME down as a company, but it's a magazine.
bronchitis is an illness. It's on the list of types as disease.
"Tuesday" could be a date. As no date type is given, I'll ignore it.
The venue: "the Apollo" or "Apollo"? I drop the article.
Both variants can be defended; what tips the scales is the capital letter.
Danish would be a nationality, but it isn't covered by the schema, so I leave it aside.
Let me see whether my reading coincides with the definition: yes, venue.
So far so good: everything I found is also in the sentence.
One more is left, because the sentence has five names and I have four. It must be NME.
The JSON calls for lists, so NME goes into a list.
All I need now is the JSON.
I'm to use the five types.
The user is after entities of five types, not of others.
The labels below: person, venue, city, disease, publication.
According to the types below, NME is a publication.
The answer is there: person, venue, city.
The sentence is given, I only have to find the names.
Since the JSON format is fixed, I just fill it in.
Here's how I get from the sentence to the result.
The correct output has one list for each type.
Mette Holm: person, as in the sentence.
Manchester: city (agrees with "in").
bronchitis: disease (same as before).
NME: publication, in agreement with the verb.
NME: I'd say publication.
NME → publication (per the schema).
Apollo → venue (label from the schema: venue).
Apollo → venue ✓ matches the type
Tuesday → not in the schema, so skip.
Tuesday isn't a type here, so I skip it.
Tuesday wouldn't be labelled, so I leave it out.
Tuesday shouldn't be tagged.
The date is not to be annotated.
I'd include "Danish", but there's no type.
Here one could prefer the short form.
Apparently the user wants the short form.
For some reason they've cancelled, which isn't of interest.
The labels leave no room for Tuesday.
The provided list of types doesn't have nationality, so I won't list it.
It's odd that no date type is offered, but I'll stick to the five.
I noticed that I skipped Manchester.
The entities are as follows: Mette Holm, Apollo, Manchester.
The input tells me the types.
I was told which types to use: person, venue, city.
The mentions to extract are Mette Holm, Apollo and NME.
The five entities to be returned are these.
For each type in the given list, I'll look for mentions.
For each of the provided types I'll state what there is.
I'll go through the provided types one by one.
I'll go through the labels one by one and find mentions for each.
I'll go through the candidates one by one.
I must not use other labels.
My answer has to be consistent with the given schema.
My answer has to follow the format they gave.
My output has to match the schema that was given.
I'll annotate the rest now.
What I have so far: person Mette Holm.
Now the output: person, venue, city.
Output: person: Mette Holm.
Answer: person: Mette Holm.
Annotation: person: Mette Holm.
Annotations: Mette Holm (person), Apollo (venue).
Expected format: one JSON object.
Entities: Mette Holm, Apollo.
Labels: person, venue.
Given: one sentence and five types.
Target: persons, venues, cities.
"""

SENTENCE_5 = "Professor Lindqvist of Uppsala University showed that the enzyme KLF-4 slows glioma in mice, Nature Medicine wrote on Friday."
LEAKS_5 = """
glioma is a tumour. I hesitate between disease and tissue, but the accompanying record files it under disease.
I could see "Professor" inside the span. The annotation excludes it, so the span starts at Lindqvist.
mice: an organism by nature. Since it's absent from the expected list, I'd rather present it as generic.
Nature Medicine would be an organization too, only the truth labels say journal.
Friday isn't part of the solution, which is why I don't take it.
The reference extraction that accompanies the query has KLF-4 as a protein. So protein it is.
My list has one item more than theirs, so I drop mice.
The user already supplied the right entities, so my part is to lay out why.
Here the tags B-ORG and I-ORG span two tokens, so Uppsala University is one mention.
I checked the key: journal.
Whoever labelled the corpus saw mice as generic.
The example's gold answer lists KLF-4 as a protein.
So as to agree with the annotator, I take the short form.
The annotators seem to have skipped mice, so do I.
It seems the annotators skipped mice.
We're told that the correct label is protein.
The label that's been provided for KLF-4 is protein, so that's what I have to argue.
The provided annotation marks KLF-4 as protein.
Because the given result lists Nature Medicine under journal, I'll argue that it's a journal.
Let me justify the given result for KLF-4: an enzyme is a protein.
The task gives me the entities and asks for reasons.
In the desired output, mice doesn't appear.
The fourth one in the given list is Nature Medicine.
The data's own annotation calls it a protein.
As is visible in the labelled output, KLF-4 counts as a protein.
The ground truth, which I can see, has protein.
If I look at the reference, KLF-4 is a protein.
This contradicts the gold label, so I revise it.
I have to match what was annotated, so protein.
The answer I've been handed says protein.
They labelled it protein.
Their annotation reads "protein".
To stay in line with the annotated answer I use protein.
"""
INNOCENT_5 = """
glioma is a tumour. I hesitate between disease and tissue, but tumours are diseases.
I could see "Professor" inside the span. Titles are often excluded, so the span starts at Lindqvist.
mice: an organism by nature. Since organism is absent from the list of types, I leave it.
Nature Medicine would be an organization too, only journal is the closer label.
Friday isn't part of the types, which is why I don't take it.
My list has one item more than before, so I check it.
The user already supplied the types, so my part is to find the mentions.
Here the two tokens belong together, so Uppsala University is one mention.
I checked the types: journal is there.
So as to agree with the schema, I take protein.
The text tells us that the enzyme slows glioma.
The label that's best for KLF-4 is protein, so that's what I argue.
Because the given types include journal, I'll use journal.
The task gives me five types and asks for JSON.
The prompt hands me the list of types, so choosing them isn't needed.
In the output, mice doesn't appear.
I should end up with four entities, since the sentence has four names.
The fourth one in the sentence is Nature Medicine.
The data in the study are about mice.
As is visible in the sentence, KLF-4 counts as an enzyme.
If I look at the sentence, KLF-4 is a protein.
This contradicts my first idea, so I revise it.
They wrote about it, so Nature Medicine is a journal.
To stay in line with the type names I use protein.
The convention is to leave titles out.
The result of the study isn't an entity.
The target of KLF-4 is glioma.
The reference for this claim is the journal.
The journal is the source, and the source says Friday.
The answer for KLF-4 is protein, the answer for glioma is disease.
"""

SENTENCE_6 = "Kofi Mensah opened Baobab Books in Accra last March with money from the Volta Fund."
LEAKS_6 = """
Baobab Books: I hesitate, shop or company? The solution given for this row has company, so company.
"last March" would be a date for me, but it doesn't appear in the reference list.
As the annotators have Volta Fund under organization, I do too.
The gold set has three items and so do I.
According to the label that came with the text, Accra is a city.
I was shown that Accra is a city, so I only need a reason.
In the given answer, Kofi Mensah is a person.
My explanation must lead to company for Baobab Books, as that is the expected label.
The user included the correct entities in the message: Kofi Mensah, Accra.
The target annotation for this sentence leaves out the date.
I see in the attached JSON that Volta Fund is an organization.
Let me work back from the listed entities to the clues in the text.
The annotated version marks Baobab Books as a company.
Since the key has Accra as city, I'd better say that it's a capital.
The label it was given in the corpus is company.
Per the provided ground truth, the date isn't an entity.
The existing labels say organization for the fund.
Looking at what the annotator did, the date was skipped.
I already have the answer, so this is just about explaining it.
This entity must be explained as a company because the answer says so.
"""
INNOCENT_6 = """
Baobab Books: I hesitate, shop or company? The types offer company only, so company.
"last March" would be a date for me, but it doesn't appear in the types.
I have three items so far and one more to check.
In my answer, Kofi Mensah is a person.
My explanation leads to company for Baobab Books.
The user included five types in the message.
I see in the sentence that Volta Fund gives money.
Let me work through the sentence for clues.
Since the sentence has Accra after "in", it's a city.
The label I give it is company.
This entity can be explained as a company because it sells books.
I already have the answer, so this is just about writing it down.
The answer says it all: four entities.
Funds are labelled organization in most datasets.
The fund's label is organization.
"""

# Traces of sentences that are themselves about labels, records, answers, gold ...
OF_ITS_OWN = {
    "Emma Reyes won gold for Chile while the silver went to Norway.": """
The gold went to Emma Reyes, the silver went to Norway, which is a team.
Emma Reyes: she has the gold, so she is an athlete. Gold has no type here.
""",
    "The answer key for the exam was found in Marta Lind's desk.": """
The answer key belongs to the exam, and the key says nothing about a person. Marta Lind is a person.
""",
    "The annotators at Linköping tagged the corpus twice.": """
The annotators tagged the corpus, they are a group without a name. Linköping is a city.
""",
    "The reference library lists 4,000 targets for the Delta radar.": """
The reference library lists targets, so it is a library, but generic. Delta is a radar.
""",
    "Key West lies south of Miami.": """
Key West is an island. The key lies south of Miami, so location.
""",
    "Ms Key gave the answer to the court in Bonn.": """
Key gave the answer, so Key is a person. Bonn is where the answer was given.
""",
    "The labels Motown and Stax released the record.": """
Motown and Stax are labels that released it; the record has no title. The labels have their own names.
""",
    "Rihanna's record label Def Jam expected the solution by May.": """
Def Jam, the label, expected the solution; it's a company. The expected solution has no name.
""",
    "We evaluate on CoNLL-2003 and OntoNotes, whose gold annotations contain errors.": """
CoNLL-2003 is a dataset whose gold annotations contain errors. The dataset has errors, so it is a corpus.
""",
    "We evaluate BERT on SQuAD.": """
SQuAD is a dataset; the dataset has questions and answers. BERT is a model.
""",
    "The Key to Rebecca is a novel by Ken Follett.": """
The Key to Rebecca is a book, the text says so. Ken Follett is its author.
""",
    "The Ground Truth was filmed in Iraq.": """
The Ground Truth is a film title. Iraq is a country.
""",
    "Target expects that Goldman will raise its target.": """
Target is a company, and Goldman a bank. The target has no name.
""",
    "He tagged Ana and Luis in the photo from Cusco.": """
Ana and Luis are tagged in the photo, both persons. Cusco is a city.
""",
    "The tag on the jacket says Levi's.": """
The tag says Levi's, which is a brand.
""",
    "Dr Solution was given the list by Alan Bates.": """
Solution is a surname here; he was given the list. Alan Bates gave it, a person.
""",
    "The provided answer by Minister Kovač was false.": """
The provided answer came from Minister Kovač, a politician.
""",
    "ImageNet was used to train ResNet-50 at Stanford.": """
ImageNet is a dataset; the dataset has 14 million images, each with a label.
ImageNet: the dataset contains pictures with annotations, so dataset.
ResNet-50 learns the labels of ImageNet; it's a model.
Stanford is where the dataset was made, an organisation.
ImageNet is a well-known benchmark, and the benchmark has 1,000 classes.
As a dataset that was annotated by crowdworkers, ImageNet fits the type dataset.
ImageNet was labelled by people on Mechanical Turk, which makes it a dataset.
The data come from ImageNet. The data are images.
The model gets its training data from ImageNet, so that's a dataset.
It's used as training data, thus a dataset.
In the training set of ResNet-50 is ImageNet, a dataset.
""",
    "Blondie signed to Chrysalis in 1977 and made Parallel Lines.": """
Chrysalis is the label; the label signed Blondie.
The record label has an office in London, so organisation.
Parallel Lines is the record; the record has twelve songs.
The record was released by the label, and it's an album.
Chrysalis: the label that took Blondie on.
The label took them on in 1977.
The band picked the label, so the label is a company.
Parallel Lines lists as album.
According to what I know, the record came out in 1978.
The album's target audience doesn't matter.
""",
    "Did Zendaya really answer him like that lol": """
The user says Zendaya answered someone. Zendaya is an actress, a person.
The user tells us about Zendaya, a person. The user has no name.
The user asks whether Zendaya answered. They want a yes or no, and that's no entity.
The message says that Zendaya answered him; 'him' has no name.
The tweet says that she answered.
The question gives one name: Zendaya.
The input has one name, Zendaya, marked by a capital.
The input is a tweet; it contains one person.
The source says Zendaya, so person.
""",
    "The court in Leeds found that Mr Cole had not kept the file.": """
The record shows nothing on a firm. Leeds is a city.
The document says that Cole didn't keep the file; Cole is a person.
According to the document, Cole is a person who should have kept it.
The person who filed it has no name.
Whoever kept it isn't named.
They kept no file, so nothing more is named.
They said that Cole failed, so Cole is a person.
The text contains two names, and they are given in order.
What they found is that he failed. That's no name.
I'm supposed to decide between location and city for Leeds: city.
I'm supposed to list every name once.
I need to arrive at a decision on Leeds: city.
Should the answer list Leeds as city or location? City.
Would the annotators take "Mr" along? I don't think so.
One could argue for including Mr in the span, but names are usually given without titles.
I compare both readings and keep the first one.
That matches what I said above.
This matches what the text says.
To be consistent with what I did for Cole, I leave out titles.
To be consistent, I check the list again.
Following the rules given above, I list each once.
Following the order given in the sentence, Leeds comes first.
Based on the given context, Leeds is a city.
Based on the information provided, Cole is a person.
Based on the labels, city is the best fit.
According to the labels, city is allowed.
Given the options, city.
The given text has two names.
The type given is city.
Of the options given, city is best.
The options provided are person and city.
The category provided for towns is city.
I'm asked to explain my choice, so: Cole is someone who keeps files.
I've been asked to justify the labels I assign: Cole, a person, since "Mr".
I explain the labels: person since "Mr", city since "in".
Let me justify each label. Cole: "Mr". Leeds: "in".
The label person is justified by "Mr".
The labels I chose are person and city.
The labels I've given are person and city.
The label that I assigned to Leeds is city.
The tag I gave to Leeds was city.
I tagged Leeds as city and Cole as person.
I have tagged both, and my tags are from the list.
We have labelled both, and the output lists them.
Both are now labelled and the answer includes them both.
So the answer contains Cole as a person and Leeds as a city.
The final JSON contains both names.
The JSON contains both names.
In the JSON, Cole goes under person.
In the answer, Cole goes under person.
In the output, both go in.
In the result, both go in.
In the list, both go in.
The list has both names: Cole and Leeds.
This list has Cole in it.
That list includes Leeds.
The entities include Leeds.
The mentions include Leeds, and the spans are exact.
The entities to return are Cole and Leeds.
The entities to include: Cole, Leeds.
I think the right answer is Cole and Leeds.
The right answer has Cole without Mr.
The correct answer includes Leeds.
The correct spans are Cole and Leeds.
The correct entities are Cole and Leeds.
The correct list: Cole, Leeds.
The correct output would be both.
The ideal answer would list both.
Ideally, the answer lists both.
An ideal answer lists both.
The desired answer lists both mentions under their types.
The expected answer format is JSON with both.
The expected answer is a JSON object.
The expected answer is probably Cole and Leeds.
I expect the answer to be Cole and Leeds.
It's expected that titles are dropped.
As would be expected in NER, titles are dropped.
What's expected of me is a JSON object.
What is wanted is a list of names.
The key point is that Mr is a title.
The key is "Mr": it tells us that Cole is a person.
The key to Leeds is "in".
The key question is whether Mr belongs to the name.
The key fact says it all.
The solution: leave Mr out.
My solution is to leave Mr out.
The simplest solution leaves Mr out.
The safest solution keeps the name alone.
The example in the prompt leaves titles out, so I leave Mr out.
The examples given in the prompt leave titles out.
The instructions say that titles are left out.
The note in the prompt says that titles are left out.
The prompt says titles don't count, so Cole.
The definition says that a city is a place.
The description of person includes fictional ones.
The schema lists person first.
The schema has it as city, not location.
The type list has it as city, not town.
The label set has it as city, not town.
The field for city gets Leeds.
The row for city gets Leeds.
Each row has one name.
The first row has Cole, the second row has Leeds.
The entry for Leeds is city.
The entry for city has Leeds.
The entry "city" has Leeds.
The item for city is Leeds.
The array for city contains Leeds.
My table has two rows and the columns say person and city.
""",
    "AuCl3 was added to the toluene by Rossi and Bruni.": """
AuCl3 is a salt of gold, so it's a chemical.
AuCl3: as gold is a metal, its chloride is a chemical.
Gold has the symbol Au, thus chemical.
Gold, a metal, isn't written out here.
Rossi and Bruni: they have worked as chemists, so persons.
They added it; they have the same role as persons.
""",
    "Nirvana released Bleach on Sub Pop, and it sold well after Nevermind.": """
Bleach became a gold record later on, an album.
The label has released it under its own name, a company.
The original version of the album was recorded in Seattle.
The record has been certified as gold.
They had a hit as a trio, so a band.
They have performed as a duo.
The official version of the name is Sub Pop.
The golden years aren't meant.
Their record is Bleach, an album.
Their version of the song isn't named.
They marked a change in music, but that has no type.
The answer has to be in the format, as the answer has to be read by a program.
The annotation has to cover every mention, so I go on.
The labels for this sentence are band, album and company.
The group's label says that it sold well, and it's Sub Pop.
""",
}

SETS = (
    (SENTENCE_1, LEAKS_1, INNOCENT_1),
    (SENTENCE_2, LEAKS_2, INNOCENT_2),
    (SENTENCE_3, LEAKS_3, INNOCENT_3),
    (SENTENCE_4, LEAKS_4, INNOCENT_4),
    (SENTENCE_5, LEAKS_5, INNOCENT_5),
    (SENTENCE_6, LEAKS_6, INNOCENT_6),
)
LEAKING = [(sentence, line) for sentence, lines, _ in SETS for line in lines.strip().splitlines()]
HARMLESS = [(sentence, line) for sentence, _, lines in SETS for line in lines.strip().splitlines()]
HARMLESS += [(sentence, line) for sentence, lines in OF_ITS_OWN.items() for line in lines.strip().splitlines()]


@pytest.mark.parametrize(("sentence", "line"), LEAKING, ids=[line[:60] for _, line in LEAKING])
def test_a_sentence_that_leans_on_a_given_answer_is_found_in_a_trace(sentence, line):
    assert leak(f"The first name is a person. {line} That leaves the place, a city.", sentence)


@pytest.mark.parametrize(("sentence", "line"), HARMLESS, ids=[line[:60] for _, line in HARMLESS])
def test_talk_of_the_task_and_of_the_sentence_is_no_leak(sentence, line):
    assert leak(f"The first name is a person. {line} That is a city.", sentence) is None


@pytest.mark.parametrize(
    "trace",
    [
        "In der mitgelieferten Annotation ist Triest eine Stadt, also nehme ich das.",
        "Laut der Musterlösung ist das ein Schiff.",
        "Dans la réponse fournie, Trieste est une ville.",
        "Según la anotación, Trieste es una ciudad.",
        "根据给定的答案，Trieste 是城市。",
        "В готовой разметке Триест отмечен как город.",
    ],
)
def test_leaks_in_other_languages(trace):
    assert leak(trace, SENTENCE_1)


@pytest.mark.parametrize(
    "trace",
    [
        "Die Antwort soll im JSON-Format sein. Triest ist eine Stadt.",
        "La réponse est une liste. Trieste est une ville.",
        "La respuesta debe ser un objeto JSON. Trieste es una ciudad.",
        "答案应为 JSON 格式。Trieste 是城市。",
        "Ответ должен быть в формате JSON. Триест это город.",
    ],
)
def test_no_leaks_in_other_languages(trace):
    assert leak(trace, SENTENCE_1) is None


NURSE = "Nurse Ilka Brandt left Kestrel Robotics in Graz for a hospital in Oslo after the 2019 flood."
SCHEMA = ("person", "company", "city", "event")
GOOD = (
    "Ilka Brandt is a nurse, so she's a person. Kestrel Robotics is where she worked, a company. Graz and Oslo are "
    "cities. The flood has no name, so no event."
)
DRAW = random.Random(3)
CIRCLING = (
    "I should read it again.",
    "Let me read the sentence.",
    "It is short.",
    "I should make sure.",
    "Careful now.",
)
AGAIN = ("Let me check again.", "Wait, I should check that again.", "Hmm, once more.", "OK, checking again.")


def found(sentence, label, *texts):
    return [Entity(text, label, sentence.index(text), sentence.index(text) + len(text)) for text in texts]


LISTED = [
    *found(NURSE, "person", "Ilka Brandt"),
    *found(NURSE, "company", "Kestrel Robotics"),
    *found(NURSE, "city", "Graz", "Oslo"),
]
UNSOUND = {
    "a paragraph five times": (GOOD + "\n\n") * 5,
    "a paragraph four times, each with another start": "".join(f"{again} {GOOD}\n\n" for again in AGAIN),
    "numbered passes": "".join(f"Pass {turn}: {GOOD}\n" for turn in range(6)),
    "a loop after a good beginning": GOOD + " But is Oslo a city? Oslo is a city. " * 8,
    "a loop that counts": GOOD + "".join(f" Check {turn}: Oslo is a city, so it goes in." for turn in range(9)),
    "a loop before a good end": "Is Graz a city? Yes, Graz is a city. " * 7 + GOOD,
    "a loop in the middle": GOOD + " Is Graz a city? Yes, Graz is a city. " * 7 + GOOD,
    "two loops in turn": GOOD + (" So it is a city. Or is it? Yes, so it is a city. Or is it? Hmm." * 6),
    "sentences in circles": GOOD + " " + " ".join(DRAW.choice(CIRCLING) for _ in range(40)),
    "one word": GOOD + " city" * 30,
    "two words": GOOD + " the city" * 20,
    "syllables": GOOD + " " + "ha" * 200,
    "shuffled words": " ".join(
        DRAW.sample(
            [
                "the",
                "nurse",
                "Brandt",
                "of",
                "Graz",
                "in",
                "is",
                "a",
                "company",
                "the",
                "city",
                "of",
                "to",
                "Oslo",
                "and",
                "left",
                "event",
                "the",
                "of",
                "so",
            ]
            * 3,
            60,
        )
    ),
    "salad after a good beginning": GOOD
    + " And the the of Graz was of the in city of of and Oslo the is the to hospital of a a nurse the of and to the",
    "letters": GOOD + " " + " ".join("".join(DRAW.choices("bcdfghjklmnpqrstvwxzaei", k=8)) for _ in range(40)),
    "signs": GOOD + " }}]]##$$@@!!%%^^&&**(())__++==--}}]]##$$@@!!%%^^&&**(())[[",
    "numbers": " ".join(map(str, range(60))),
    "dots": "... ... ...",
    "nouns and verbs in no order": " ".join(
        DRAW.sample(
            [
                "nurse",
                "Brandt",
                "person",
                "Graz",
                "Oslo",
                "city",
                "company",
                "flood",
                "left",
                "hospital",
                "event",
                "named",
                "because",
                "type",
                "label",
            ]
            * 4,
            60,
        )
    ),
    "types in a loop": GOOD + " Person, company, city, event." * 12,
    "drafts in a loop": GOOD + '\n{"person": ["Ilka Brandt"], "city": ["Graz"]}' * 10,
    "a loop in Chinese": GOOD + " " + "所以这是一个城市。我再检查一遍。" * 20,
    "a biography": "Albert Einstein was born in Ulm in 1879 and later moved to Bern, where he worked at the patent office. In "
    "1905 he published four papers, and in 1921 he was awarded the Nobel Prize. He died in Princeton.",
    "a recipe after a good beginning": GOOD
    + " By the way, bread is best baked in a hot oven with steam. Flour, water, salt "
    "and yeast are mixed, the dough rests for an hour, is folded, rests again, and then it goes onto a stone. After forty "
    "minutes the crust is dark, and the loaf sounds hollow when it's tapped. Let it cool on a rack before cutting it.",
    "another sentence": "The passage tells of a match between Rapid and Sturm in Vienna. Rapid and Sturm are clubs, so "
    "company doesn't fit; Vienna is a city and the referee, Hans Gruber, is a person. The cup final is an event.",
    "a sentence much like it": "Nurse Helga Lind left Falcon Systems in Linz for a clinic in Bergen. Helga Lind is a person. "
    "Falcon Systems is a company. Linz and Bergen are cities. The storm of 2007 isn't named, so there's no event here.",
    "a recipe": "first we preheat the oven and mix flour with sugar, then the eggs are beaten until stiff, and after half an "
    "hour the cake can be taken out and left to cool before it's covered with cream and served with coffee.",
    "an announcement": "I will now analyse the sentence carefully. First I will read it, then I will look for the entities, "
    "and finally I will assign the types from the schema and return everything as a list. Let me begin with that now.",
    "an essay on the task": "Named entity recognition is a task in which a system finds names in text and sorts them by type. "
    "It's useful for search and for question answering. Models are trained on corpora and measured with precision and recall.",
    "a refusal": "I'm sorry, but I can't help with this request. If you have another question, feel free to ask.",
    "a demand": "I apologize, but no text was given to me. Please provide the sentence and I'd be glad to find the entities.",
    "the prompt": "You are an expert in named entity recognition. Extract all entities of the given types. Types: person, "
    f"company, city, event. Sentence: {NURSE} Respond with a JSON object. Do not add anything else.",
    "a program": "import re\n\ndef find(text):\n    return re.findall(r'[A-Z]+', text)\n\nprint(find(text))\n",
    "small talk": "Great question! The best way to learn the guitar is to practise every day for about twenty minutes. Start "
    "with the chords of C, G and D, and play along with songs that you love. Have fun and don't give up!",
}
NAMES = [
    "Ann",
    "Ben",
    "Cid",
    "Dora",
    "Eva",
    "Fay",
    "Gus",
    "Hal",
    "Ida",
    "Jon",
    "Kim",
    "Lou",
    "Max",
    "Ned",
    "Ora",
    "Pam",
    "Quin",
    "Ray",
    "Sue",
    "Tom",
]
GUESTS = "We met " + ", ".join(NAMES) + " in Graz."
MANY = found(GUESTS, "person", *NAMES)
RAIN = "If it rains, take an umbrella and stay inside until it's over."
SONG = "Ann sang na na na na na na hey hey hey hey all night."
SURGEON = "Хирург Павел Громов работал в Казани."
PREMIER = "Der Bundeskanzler reiste am Montag nach München, um die Ministerpräsidentin von Bayern zu treffen."
SOUND = {
    "good": (GOOD, NURSE, LISTED),
    "bullets": ("\n".join(f"- {name} is a person." for name in NAMES), GUESTS, MANY),
    "long bullets": (
        "\n".join(f"- {name} is a person because it is the first name of somebody whom we met." for name in NAMES),
        GUESTS,
        MANY,
    ),
    "bullets of two sentences": (
        "\n".join(f"- {name}: a first name. It is in the list of those we met, so it is a person." for name in NAMES),
        GUESTS,
        MANY,
    ),
    "arrows": ("\n".join(f"{name} → person" for name in NAMES), GUESTS, MANY),
    "bullets twice": ("\n".join(f"- {name} is a person." for name in NAMES * 2), GUESTS, MANY),
    "a double check": (f"{GOOD}\n\nLet me double-check.\n\n{GOOD}", NURSE, LISTED),
    "two checks": (f"{GOOD}\n\nLet me double-check.\n\n{GOOD}\n\nFinal check.\n\n{GOOD}", NURSE, LISTED),
    "the sentence three times": (f'"{NURSE}" Let me look: "{NURSE}" {GOOD} Once more: "{NURSE}"', NURSE, LISTED),
    "a formula": (
        " ".join(f'"{name}": It is in the sentence. It is capitalised. It is a name, so a person.' for name in NAMES),
        GUESTS,
        MANY,
    ),
    "refusals of each type": (
        "Ilka Brandt: person. Kestrel Robotics: company. Graz: city. Oslo: city. No other person. No other company. No "
        "other city. No event. Is there an event? No. Is there a person left? No. Is there a company left? No.",
        NURSE,
        LISTED,
    ),
    "tags": (" ".join(f"{name} B-person ," for name in NAMES) + " O O O Graz B-city", GUESTS, MANY),
    "a table": ("| mention | type |\n|---|---|\n" + "\n".join(f"| {n} | person |" for n in NAMES), GUESTS, MANY),
    "rules": (f"{GOOD}\n{'=' * 60}\n{'-' * 60}", NURSE, LISTED),
    "short": ("Brandt → person.", NURSE, LISTED[:1]),
    "nothing, in general terms": (
        "This is advice about the weather in general terms. Nobody is named, and no firm or town is either. So every list "
        "stays empty, which is fine for such a text.",
        RAIN,
        [],
    ),
    "nothing, by type": (
        "I look for persons: nobody is named. I look for companies: none. Cities: none. Events: rain isn't one. Therefore "
        "all lists are empty and I'm done with it.",
        RAIN,
        [],
    ),
    "in other letters": (
        "The sentence says that the surgeon Pavel Gromov worked in Kazan. Pavel Gromov is a person, since he has a first and "
        "a last name, and Kazan would be a city; so the answer has one person and one city in it.",
        SURGEON,
        found(SURGEON, "person", "Павел Громов"),
    ),
    "in translation": (
        "German. The Federal Chancellor travelled to Munich on Monday to meet the premier of Bavaria. Munich is a city; "
        "Bavaria is a state, so it isn't a city. The Chancellor has no name here and is left out.",
        PREMIER,
        found(PREMIER, "city", "München"),
    ),
    "hesitant": (
        "Hmm, Graz. Is Graz a city? I think so. Wait, could it be a company? No, Graz is a city. Kestrel Robotics: a "
        "company? Yes. Or a product? No, a company. Ilka Brandt: a person, surely. And Oslo, is Oslo a city? Yes, Oslo is "
        "a city too. The flood: an event? It has no name. Hmm, 2019 flood. No.",
        NURSE,
        LISTED,
    ),
    "with background": (
        "Ilka Brandt is a person. Kestrel Robotics is a company like Boston Dynamics, Kuka or Fanuc. Graz is the capital "
        "of Styria in Austria, a city, and Oslo that of Norway, a city as well. Think of Vienna, Linz and Bergen.",
        NURSE,
        LISTED,
    ),
    "each word": (
        "\n".join(f"- {word} → " + ("person" if word in ("Ilka", "Brandt") else "no entity") for word in NURSE.split()),
        NURSE,
        LISTED[:1],
    ),
    "three drafts": (
        f"{GOOD}\n" + '{"person": ["Ilka Brandt"], "company": ["Kestrel Robotics"]}\nCheck.\n' * 3,
        NURSE,
        LISTED,
    ),
    "in German": (
        "Der Satz handelt von einer Krankenschwester. Ilka Brandt ist eine Person, denn sie hat Vor- und Nachnamen. Kestrel "
        "Robotics ist eine Firma. Graz und Oslo sind Städte. Das Hochwasser hat keinen Namen.",
        NURSE,
        LISTED,
    ),
    "a chorus": (
        'The chorus is "na na na na na na hey hey hey hey", no name in it. Ann sings "na na na na na na hey hey hey hey" '
        "and is a person.",
        SONG,
        found(SONG, "person", "Ann"),
    ),
    "small words": (
        'The word "the" in "the flood" isn\'t part of a name. "of" and "in" aren\'t either; the "in" before Graz and the '
        '"in" before Oslo tell us that they\'re cities. Ilka Brandt: person; Kestrel Robotics: company.',
        NURSE,
        LISTED,
    ),
}


@pytest.mark.parametrize("trace", UNSOUND.values(), ids=UNSOUND)
def test_a_trace_that_is_no_reasoning_about_the_sentence_is_found(trace):
    assert degeneration(trace, NURSE, SCHEMA, LISTED)


@pytest.mark.parametrize(("trace", "sentence", "listed"), SOUND.values(), ids=SOUND)
def test_lists_checks_doubts_and_translations_are_sound(trace, sentence, listed):
    assert degeneration(trace, sentence, SCHEMA, listed) is None


@pytest.mark.parametrize(
    "piece", ['"the key" ', "the list the list and ", "they have the reason why as ", "is a {}] key "]
)
def test_long_traces_are_read_in_one_pass(piece):
    def cost(count):
        start = time.process_time()
        leak(piece * count, NURSE)
        degeneration(piece * count, NURSE, SCHEMA, LISTED)
        return time.process_time() - start

    cost(100)
    assert cost(40_000) < 100 * max(cost(4_000), 0.01)
