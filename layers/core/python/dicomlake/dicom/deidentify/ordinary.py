"""Words that name nobody: titles, what is written where there is no name, and what every image's header speaks of.

A patient may be called Head, and the name is taken out of the name's attributes all the same; it is only not searched
for in the others, where the word means what it always means.
"""

_WORDS = """
dr prof mr mrs ms miss jr sr md phd von van der den de la le du di da del el al bin ibn anonymous anonym anonymized
anon unknown none null patient physician doctor operator technician test removed nobody unnamed default temp
emergency admin user head brain skull neck chest thorax abdomen pelvis spine heart liver lung kidney breast knee
foot hand leg arm hip shoulder elbow ankle wrist skin eye ear nose teeth whole body phantom image images original
primary secondary derived axial sagittal coronal localizer scout series study other left right ct mr pt us cr dx mg
nm xa rf sc ot sr pr seg io gm sm pet mri spect spin echo gradient contrast supine prone male female adult child
standard sharp soft bone normal average filter mode scan scanner image1 screen digital hospital clinic klinik
klinikum krankenhaus university universitat universitaet medical center centre centrum radiology radiologie
institute institut department abteilung general health healthcare imaging diagnostic diagnostics praxis regional
memorial national central children cancer surgery medicine oncology cardiology neurology pediatric nuclear system
systems service services group north south east west northern southern eastern western saint street road avenue
building floor room city state county country international medizin computed tomography magnetic resonance
ultrasound research foundation trust college school company limited technology technologies solutions siemens
philips toshiba canon hitachi hologic fujifilm shimadzu agfa kodak carestream konica minolta samsung
"""
ORDINARY = frozenset(_WORDS.split())
